# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The floors of plugins/: who may import whom, what is pure, and how large a folder may become."""

from __future__ import annotations

import ast
import fnmatch
from collections import defaultdict
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGE = "ansible_collections.port443.https.plugins.module_utils"
FLOORS = (  # top to bottom: a folder imports those below it alone; those of one line do not import each other
    ("_entry",),
    ("_confirm", "_renewal", "_witness"),
    ("_ports", "_sites"),
    ("_firewalls",),
    ("_certificate", "_rehearsal"),
    ("_verdict",),
    ("_linux", "_mailservers", "_webservers", "_probe"),
    ("_plan", "_nfnetlink"),
    ("_xtables", "_pf"),
    ("_netfilter", "_tls"),
    ("_pki",),
    ("_host",),
    ("_powershell", "_spec"),
    ("_errors", "_printable"),
    ("_bundle",),
)
FLOOR = {folder: number for number, folders in enumerate(FLOORS) for folder in folders}
ALONE = "_payload"  # packs and loads the code of modules, and stands on no floor
SECRETS = "_secrets"  # hands them over on both sides, and needs nothing of ours
# What may run on a controller for a host of any system: it touches no machine and has nothing of _host.
PURE = (
    *("_errors", "_printable"),
    *("_powershell/*", "_spec/*"),
    "_netfilter/*",
    "_xtables/*",
    "_pki/*",
    "_verdict/*",
    "_nfnetlink/[!s]*",
    "_nfnetlink/sets",
    "_nfnetlink/statements",
    "_nfnetlink/steps",
    "_plan/diff",
    "_firewalls/[!p]*/adopt",  # pf is asked how it reads a rule
    "_pf/[!p]*",  # peer asks the host for the names of ports
    "_pf/parse",
    "_pf/packet",
    "_firewalls/*/desired",
    "_firewalls/*/layout",
    *("_firewalls/*/live", "_firewalls/firewalld/runtime"),
    "_firewalls/*/plan",
    "_firewalls/*/target",
    "_firewalls/iptables/files",
    "_firewalls/nftables/t[ae][bx]*",  # tables, text
    "_firewalls/pf/verdict",
    *("_firewalls/windows/*", "_ports/rounds"),  # a Windows host has no Python
    *("_probe/finding", "_witness/[!ck]*", "_[cr]e*/request"),  # of _certificate, _renewal
    "_certificate/[sw]i*",  # site_options, windows
    "_[rs]*/arguments",  # of _renewal, _sites
    *("_sites/re[gq]*", "_sites/windows*"),  # registry, request
    # grammar, language, layout; reader, refusals, render and its parts; surroundings
    *(f"_webservers/{name}" for name in ("*/[gl]*", "*/re*", "*/su*", "haproxy/[!_c]*", "site*", "su*", "tls*")),
)
# What action plugins need beside that: code to pack, handshakes in memory, files that a task names, the one writer.
CONTROLLER = ("_payload", "_secrets", "_tls/self_handshake", "_certificate/sources", "_host/atomic")
IMPURE = (
    *("ctypes", "fcntl", "fileinput", "glob", "grp", "http", "mmap", "multiprocessing", "os", "platform", "pwd", "pty"),
    *("select", "selectors", "shutil", "signal", "socket", "socketserver", "ssl", "subprocess", "tempfile", "termios"),
    *("threading", "urllib"),
)
MOST_FILES = 20
MOST_SENT = 6


def read_tree():
    """Returns the sources of plugins/ by their paths in it, without the ending."""
    paths = (path for path in PLUGINS.rglob("*.py") if "__pycache__" not in path.parts)
    return {path.relative_to(PLUGINS).with_suffix("").as_posix(): path.read_text(encoding="utf-8") for path in paths}


class Import:
    """One imported name: where it is imported, from which module, and whether inside a function."""

    def __init__(self, line, module, name, lazy):
        self.line, self.name, self.lazy = line, name, lazy
        self.ours = f"{module}.".startswith(f"{PACKAGE}.")
        self.parts = tuple((module[len(PACKAGE) + 1 :] or name).split(".")) if self.ours else tuple(module.split("."))

    @property
    def folder(self):
        return self.parts[0]


def imports_of(source):
    tree = ast.parse(source)
    top = set(map(id, tree.body))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [Import(node.lineno, alias.name, "", id(node) not in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [Import(node.lineno, node.module, alias.name, id(node) not in top) for alias in node.names]
    return found


def is_pure(parts):
    """Whether the file of these parts, without the ending, is one that a controller may run."""
    path = "/".join(parts)
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in PURE)


def own_files(tree):
    """Yields folder, parts and source of each file of module_utils."""
    for path, source in sorted(tree.items()):
        parts = tuple(path.split("/"))
        if parts[0] == "module_utils":
            yield parts[1], parts[1:], source


def rule_1_a_folder_imports_what_stands_below_it(tree):
    for here, parts, source in own_files(tree):
        if here not in (ALONE, SECRETS) and here not in FLOOR:
            yield f"{'/'.join(parts)} has no floor"
            continue
        for one in imports_of(source) if here != ALONE else ():
            there = one.folder
            if there == SECRETS:
                continue
            if one.ours and there != here and (there not in FLOOR or FLOOR[there] <= FLOOR[here]):
                yield f"{'/'.join(parts)}:{one.line} climbs from {here} to {there}"


def rule_2_no_firewall_knows_another_nor_is_it_read_unasked(tree):
    for here, parts, source in own_files(tree):
        for one in imports_of(source):
            if not one.ours or one.folder != "_firewalls":
                continue
            other = one.parts[1] if len(one.parts) > 1 else one.name
            if here == "_firewalls" and other != parts[1]:
                yield f"{'/'.join(parts)}:{one.line} reaches from {parts[1]} into {other}"
            if here != "_firewalls" and not one.lazy:
                yield f"{'/'.join(parts)}:{one.line} reads the code of {other} for every host"


def rule_3_what_is_pure_touches_no_machine(tree):
    for _here, parts, source in own_files(tree):
        for one in imports_of(source) if is_pure(parts) else ():
            if one.ours and one.folder == "_host":
                yield f"{'/'.join(parts)}:{one.line} is pure, and imports _host"
            if not one.ours and one.folder in IMPURE and parts != ("_errors",):
                yield f"{'/'.join(parts)}:{one.line} is pure, and imports {one.folder}"


def rule_4_programs_are_run_by_host_alone(tree):
    for path, source in sorted(tree.items()):
        for one in imports_of(source):
            if not one.ours and one.folder == "subprocess" and not path.startswith("module_utils/_host/"):
                yield f"{path}:{one.line} runs programs past _host"


def rule_5_modules_about_ports_import_the_payload_alone(tree):
    for path, source in sorted(tree.items()):
        if path.startswith("modules/") and "ports" in path:
            for one in imports_of(source):
                if one.ours and one.folder != ALONE:
                    yield f"{path}:{one.line} imports {one.folder}, which goes by way of {ALONE}"
    sent = closure(tree, f"module_utils/{ALONE}")
    if len(sent) >= MOST_SENT:
        yield f"{ALONE} needs {len(sent)} files, and each takes Ansible longer to send: {', '.join(sorted(sent))}"


def closure(tree, path):
    """The paths of all files of module_utils that a file needs, itself included."""
    waiting, found = [path], set()
    while waiting:
        current = waiting.pop()
        if current in tree and current not in found:
            found.add(current)
            for one in imports_of(tree[current]):
                if one.ours:
                    base = "module_utils/" + "/".join(one.parts)
                    waiting += [base, f"{base}/{one.name}"]
    return found


def rule_6_the_controller_needs_what_is_pure_and_handshakes(tree):
    for path, source in sorted(tree.items()):
        if not path.startswith(("action/", "plugin_utils/", "filter/")):
            continue
        for one in imports_of(source):
            names = ("/".join(one.parts), "/".join((*one.parts, one.name)))
            if one.ours and not any(name in CONTROLLER or is_pure(name.split("/")) for name in names):
                yield f"{path}:{one.line} imports {'/'.join(one.parts)}"


def rule_7_a_class_has_its_name_for_itself(tree):
    places = defaultdict(list)
    for _here, parts, source in own_files(tree):
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append("/".join(parts))
    for name, files in sorted(places.items()):
        if len(files) > 1:
            yield f"{name} is a class in {' and '.join(files)}"


def rule_8_a_folder_is_small_and_says_in_a_sentence_what_it_knows(tree):
    files = defaultdict(list)
    for _here, parts, source in own_files(tree):
        if len(parts) == 1:
            continue
        folder = "/".join(parts[:-1])
        files[folder] += [] if parts[-1] == "__init__" else [parts[-1]]
        said = ast.get_docstring(ast.parse(source)) if parts[-1] == "__init__" else ""
        if parts[-1] == "__init__" and (not said or "\n" in said or not said.endswith(".")):
            yield f"{folder}/__init__ says no sentence"
    for folder, names in sorted(files.items()):
        if f"module_utils/{folder}/__init__" not in tree:
            yield f"{folder} has no __init__"
        if len(names) > MOST_FILES:
            yield f"{folder} holds {len(names)} files"


def rule_9_nothing_is_remembered_from_one_run_to_the_next(tree):
    for _here, parts, source in own_files(tree):
        for node in ast.parse(source).body:
            value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
            empty = isinstance(value, (ast.Dict, ast.List)) and not getattr(value, "keys", getattr(value, "elts", []))
            if empty or (isinstance(value, ast.Call) and getattr(value.func, "id", "") in ("dict", "list", "set")):
                yield f"{'/'.join(parts)}:{node.lineno} is filled while it runs"


RULES = {name: rule for name, rule in globals().items() if name.startswith("rule_")}


@pytest.mark.parametrize("name", RULES)
def test_the_tree_keeps(name):
    assert list(RULES[name](read_tree())) == []


def from_ours(path):
    folder, _dot, name = path.rpartition(".")
    return f"from {PACKAGE}.{folder} import {name}\n".replace(f"{PACKAGE}. ", f"{PACKAGE} ")


BROKEN = [
    ("rule_1", {"module_utils/_host/run": from_ours("_netfilter.ruleset.Rule")}, "climbs from _host to _netfilter"),
    ("rule_1", {"module_utils/_tls/look": from_ours("_netfilter.ruleset.Rule")}, "climbs from _tls to _netfilter"),
    ("rule_1", {"module_utils/_attic/box": ""}, "_attic/box has no floor"),
    ("rule_1", {"module_utils/_helper": ""}, "_helper has no floor"),
    ("rule_2", {"module_utils/_firewalls/ufw/backend": from_ours("_firewalls.iptables.layout.Jump")}, "ufw into ipt"),
    ("rule_2", {"module_utils/_firewalls/ufw/backend": from_ours("_firewalls.iptables")}, "from ufw into iptables"),
    ("rule_2", {"module_utils/_ports/engine": from_ours("_firewalls.ufw.backend.Ufw")}, "the code of ufw for every"),
    ("rule_3", {"module_utils/_netfilter/chain": "import socket\n"}, "is pure, and imports socket"),
    ("rule_3", {"module_utils/_firewalls/ufw/desired": from_ours("_host.host.Host")}, "is pure, and imports _host"),
    ("rule_4", {"module_utils/_plan/apply": "import subprocess\n"}, "runs programs past _host"),
    ("rule_4", {"action/ports": "def run():\n    import subprocess\n"}, "runs programs past _host"),
    ("rule_5", {"modules/ports": from_ours("_ports.engine.ensure")}, "imports _ports, which goes by way of _payload"),
    (
        "rule_5",
        {
            "module_utils/_payload": "".join(from_ours(f"_spec.{name}.x") for name in "abcde"),
            **{f"module_utils/_spec/{name}": "" for name in "abcde"},
        },
        "_payload needs 6 files",
    ),
    ("rule_6", {"action/ports": from_ours("_host.host.Host")}, "action/ports:1 imports _host/host"),
    ("rule_6", {"plugin_utils/_own_ca": from_ours("_certificate.store.SiteFolder")}, "imports _certificate/store"),
    (
        "rule_7",
        {"module_utils/_pki/a": "class Have:\n    pass\n", "module_utils/_tls/b": "class Have:\n    pass\n"},
        "Have is a class in _pki/a and _tls/b",
    ),
    ("rule_8", {"module_utils/_pki/__init__": ""}, "_pki/__init__ says no sentence"),
    ("rule_8", {"module_utils/_pki/der": ""}, "_pki has no __init__"),
    (
        "rule_8",
        {"module_utils/_pki/__init__": '"""A."""', **{f"module_utils/_pki/n{number}": "" for number in range(21)}},
        "_pki holds 21 files",
    ),
    ("rule_9", {"module_utils/_pki/der": "_SEEN: Dict[str, int] = {}\n"}, "_pki/der:1 is filled while it runs"),
    ("rule_9", {"module_utils/_pki/der": "\n_SEEN = []\n"}, "_pki/der:2 is filled while it runs"),
]


@pytest.mark.parametrize(("rule", "tree", "message"), BROKEN)
def test_what_breaks_a_rule_is_told(rule, tree, message):
    (name,) = (name for name in RULES if name.startswith(rule))
    (told,) = RULES[name](tree)
    assert message in told


def test_each_rule_has_a_case_that_breaks_it():
    assert {rule for rule, _tree, _message in BROKEN} == {"_".join(name.split("_")[:2]) for name in RULES}
