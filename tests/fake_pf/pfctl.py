# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pfctl(8): its options, what it says, and what it does to the kernel."""

from __future__ import annotations

import getopt
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from fake_pf import show, states
from fake_pf.grammar import Loaded, Parser
from fake_pf.optimiser import optimise
from fake_pf.queues import problem
from fake_pf.rules import Rule, Style
from fake_pf.settings import systems_of

if TYPE_CHECKING:
    from fake_pf.machine import Machine

OPTIONS = {
    "FreeBSD": "a:deF:f:hk:mNnOo:PqRs:t:T:v",
    "OpenBSD": "a:deF:f:k:no:qs:t:T:v",
    "Darwin": "a:deEF:f:k:mNnOo:PqRs:t:T:vX:",
}
NOISE = "No ALTQ support in kernel\nALTQ related functions disabled\n"
FLUSHING = (
    "pfctl: Use of -f option, could result in flushing of rules\n"
    "present in the main ruleset added by the system at startup.\nSee /etc/pf.conf for further details.\n\n"
)


class Stop(Exception):
    """pfctl ends here with that code and those words on stderr."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


class Pfctl:
    """One call."""

    def __init__(self, machine: Machine, stdin: str) -> None:
        self._machine = machine
        self._kernel = machine.kernel
        self._stdin = stdin
        self.out = ""
        self.err = NOISE if self._kernel.system == "Darwin" else ""

    def run(self, arguments: List[str]) -> int:
        """Does what the arguments say and returns the code that pfctl ends with."""
        try:
            given, left = getopt.getopt(arguments, OPTIONS[self._kernel.system])
        except getopt.GetoptError as problem:
            self.err += f"pfctl: {problem}\nusage: pfctl ...\n"
            return 1
        options: Dict[str, str] = {}
        self._killed = [value for name, value in given if name == "-k"]
        for name, value in given:
            if name in options and name not in ("-v", "-n", "-k"):
                raise AssertionError(f"{name} twice: {arguments}")
            options[name] = value
        try:
            self._open_device(options)
            self._act(options, left)
        except Stop as stop:
            self.err += stop.words
            return stop.code
        return 0

    def _open_device(self, options: Dict[str, str]) -> None:
        if "-n" in options and "-f" in options:
            return  # pfctl.c opens /dev/pf only if something is to be done
        if self._kernel.device != "there":
            raise Stop(1, "pfctl: /dev/pf: No such file or directory\n")
        if not self._kernel.root:
            raise Stop(1, "pfctl: /dev/pf: Permission denied\n")

    def _act(self, options: Dict[str, str], left: List[str]) -> None:
        anchor = options.get("-a", "")
        if left:
            raise AssertionError(f"arguments that the real one would not take here: {left}")
        if "-d" in options:
            self._disable()
        if "-F" in options:
            self._flush(options["-F"], anchor)
        if self._killed:
            self.err += states.kill(self._kernel, self._killed)
        if "-T" in options:
            self._show_table(options, anchor)
        elif "-s" in options:
            self._show(options, anchor)
        if "-f" in options:
            self._load(options, anchor)
        if "-e" in options:
            self._enable()
        if "-E" in options:
            self.err += f"pf enabled\nToken : {self._kernel.take_token()}\n"
        if "-X" in options:
            self._release(options["-X"])

    def _enable(self) -> None:
        if self._kernel.enabled:
            raise Stop(1, "pfctl: pf already enabled\n")
        self._kernel.enabled = True
        self.err += "pf enabled\n"

    def _disable(self) -> None:
        if not self._kernel.enabled:
            raise Stop(1, "pfctl: pf not enabled\n")
        self._kernel.enabled = False
        self._kernel.tokens.clear()
        self.err += "pf disabled\n"

    def _release(self, token: str) -> None:
        if token not in self._kernel.tokens:
            raise Stop(1, "pfctl: pf: token invalid\n")
        self._kernel.tokens.remove(token)
        if self._kernel.tokens:
            count = len(self._kernel.tokens)
            self.err += (
                f"disable request successful. {count} more pf enable reference(s) remaining, pf still enabled.\n"
            )
        else:
            self._kernel.enabled = False
            self.err += "pf disabled\n"

    def _flush(self, what: str, anchor: str) -> None:
        if what == "states" and not anchor:
            self.err += states.flush(self._kernel)
            return
        if what != "rules":
            raise AssertionError(f"-F {what} takes more than is ours")
        self._kernel.rulesets[anchor] = [
            rule for rule in self._kernel.rulesets.get(anchor, []) if rule.action.startswith(("nat", "rdr"))
        ]
        self.err += "rules cleared\n"

    def _show(self, options: Dict[str, str], anchor: str) -> None:
        said = show.show(self._kernel, options["-s"], anchor, "-v" in options, "-P" in options)
        self.out += said.out
        self.err += said.err
        if said.code:
            raise Stop(said.code, "")

    def _show_table(self, options: Dict[str, str], anchor: str) -> None:
        if options["-T"] != "show":
            raise AssertionError(f"-T {options['-T']} would change a table")
        addresses = self._kernel.tables.get(anchor, {}).get(options["-t"])
        if addresses is None:
            raise Stop(1, "pfctl: Table does not exist.\n")
        self.out += "".join(f"   {address}\n" for address in addresses)

    def _load(self, options: Dict[str, str], anchor: str) -> None:
        name = options["-f"]
        dry = "-n" in options
        self._options = options
        if self._kernel.system == "Darwin":
            self.err += FLUSHING
        text = self._stdin if name == "-" else self._machine.read_text(name)
        shown = "stdin" if name == "-" else name
        if text is None:
            raise Stop(1, self._missing(name))
        if anchor.startswith("_") or len(anchor) > 63:
            raise Stop(1, f"pfctl: anchor {anchor!r} refused\n")
        loaded = [(anchor, self._parse(text, shown))]
        for inner, path in loaded[0][1].load:
            if "-v" in options:
                self.err += f"\nLoading anchor {inner} from {path}\n"
            text = self._machine.read_text(path)
            if text is None:
                raise Stop(1, self._missing(path) + "pfctl: load anchors\n")
            try:
                loaded.append((f"{anchor}/{inner}" if anchor else inner, self._parse(text, path)))
            except Stop as stop:
                raise Stop(stop.code, stop.words + "pfctl: load anchors\n") from None
        if not dry:
            for path, found in loaded:
                self._commit(path, found, "-R" in options)

    def _missing(self, path: str) -> str:
        words = "No such file or directory\n"
        push = "pushfile: " if self._kernel.system == "OpenBSD" else ""
        return f"pfctl: {push}{path}: {words}pfctl: cannot open the main config file!: {words}"

    def _parse(self, text: str, name: str) -> Loaded:
        dry = "-n" in self._options
        system, read = self._kernel.system, self._machine.read_text
        known = () if dry else systems_of(read("/etc/pf.os") or "")
        parser = Parser(system, read, self._machine.interfaces, dry, known)
        found = parser.parse(text, name)
        self.err += "".join(f"{name}:{note}\n" for note in found.notes)
        if found.errors:
            self.out += found.said if "-v" in self._options else ""
            words = "".join(error + "\n" for error in found.errors)
            raise Stop(1, words + ("" if dry else "pfctl: Syntax error in config file: pf rules not loaded\n"))
        wrong = problem(found.queues, system)
        if wrong and system == "OpenBSD":
            raise Stop(1, "".join(f"{line}\n" for line in wrong))
        made = dict(parser.pools.tables)
        if self._options.get("-o") != "none" and found.optimised:
            found.rules = self._optimised(found.rules, made)
        if "-v" in self._options:
            style = Style(system, dry, "-P" in self._options)
            tables = "".join(f"table <{name}> const {{ {' '.join(held)} }}\n" for name, held in made.items())
            self.out += found.said + "".join(found.queues.lines) + tables + show.print_all(found.rules, style)
        found.tables = {**found.tables, **made}
        if wrong:
            raise Stop(1, "".join(f"{line}\n" for line in wrong))
        return found

    def _optimised(self, rules: List[Rule], made: Dict[str, List[str]]) -> List[Rule]:
        """The filter rules of a ruleset and of those in braces; with -R, which loads no tables, none may be left."""
        unique = "" if "-n" in self._options else f"{self._kernel.given:x}{len(self._kernel.calls):x}_"
        for rule in rules:
            rule.body = self._optimised(rule.body, made)
        others = [rule for rule in rules if not show.is_filter(rule)]
        filters, problem = optimise([rule for rule in rules if show.is_filter(rule)], self._kernel.system, unique, made)
        if problem and "-R" in self._options:
            self.err += problem
            return others
        return others + filters

    def _commit(self, path: str, found: Loaded, rules_only: bool) -> None:
        rules = found.rules
        if rules_only:
            kept = [one for one in self._kernel.rulesets.get(path, []) if show.kind_of(one) in ("nat", "dummynet")]
            rules = kept + [one for one in rules if show.kind_of(one) == "rules"]
            found.tables = self._kernel.tables.get(path, {})
        elif not path:
            self._kernel.skip = found.skip
        self._kernel.load_rules(path, rules, found.tables)
        for rule in rules:
            self._load_body(path, rule)

    def _load_body(self, path: str, rule: Rule) -> None:
        """What stands in braces below a name becomes the ruleset of that anchor."""
        if rule.body and not rule.anchor.startswith("_"):
            inner = rule.anchor[1:] if rule.anchor.startswith("/") else f"{path}/{rule.anchor}".lstrip("/")
            self._kernel.load_rules(inner, rule.body, {})
            for one in rule.body:
                self._load_body(inner, one)
            rule.body = []


def call(machine: Machine, arguments: List[str], stdin: str) -> Tuple[int, str, str]:
    """Runs pfctl; returns its code and what it said on stdout and stderr."""
    one = Pfctl(machine, stdin)
    code: Optional[int] = one.run(arguments)
    return code or 0, one.out, one.err
