# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where packets are sent to: an address, a port, a list of them, and how one of several is picked."""

from __future__ import annotations

from typing import Dict, List

from fake_pf.addresses import Addresses, Host
from fake_pf.cursor import Cursor
from fake_pf.rules import Rule

PICKED = ("round-robin", "random", "bitmask", "source-hash", "sticky-address", "least-states", "static-port")


class Pools:
    """Reads them; OpenBSD makes a table of a list (``tables``)."""

    def __init__(self, system: str, addresses: Addresses) -> None:
        self._system = system
        self._addresses = addresses
        self.tables: Dict[str, List[str]] = {}

    def route(self, cursor: Cursor) -> str:
        """An interface, or an interface and an address in a parenthesis, or a list of those."""

        def member() -> str:
            if not cursor.accept("("):
                return cursor.string()
            name = cursor.string()
            hosts = self._addresses.hosts(cursor)
            cursor.expect(")")
            return f"({name} {hosts[0].text})"

        listed = cursor.at("{")
        found = cursor.items(member)
        return ("{ " + ", ".join(found) + " }" if listed else found[0]) + self._picked(cursor, listed)

    def target(self, cursor: Cursor, rule: Rule) -> str:
        """What follows an arrow, ``rdr-to``, ``nat-to`` and ``route-to``; it may decide the family of the rule."""
        listed = cursor.at("{")
        family = rule.family
        hosts = [host for host in self._addresses.hosts(cursor) if family in ("", host.family) or not host.family]
        hosts = [host for host in hosts if not host.interface]
        if not hosts:
            raise cursor.wrong("could not parse host specification")
        if hosts[0].family:
            rule.options["target family"] = hosts[0].text
        text = self._listed(hosts) if listed else hosts[0].text
        if cursor.accept("port"):
            text += f" port {self._port(cursor, rule)}"
        several = listed or text.startswith("(")
        return text + self._picked(cursor, several)

    def _listed(self, hosts: List[Host]) -> str:
        if self._system != "OpenBSD":
            return "{ " + ", ".join(host.text for host in hosts) + " }"
        name = f"__automatic_{len(self.tables)}"
        self.tables[name] = [host.text for host in hosts]
        return f"<{name}>"

    def _port(self, cursor: Cursor, rule: Rule) -> str:
        """A port, a range, or ``9000:*`` for as many as the rule has."""
        word = cursor.word()
        if word.endswith(":") and cursor.accept("*"):
            word += "*"
        if word.endswith(":*"):
            return f"{word[:-2]}:*"
        return word

    def _picked(self, cursor: Cursor, several: bool) -> str:
        words = []
        while cursor.at(*PICKED):
            words.append(cursor.take().text)
            if words[-1] == "source-hash" and cursor.peek().text.startswith("0x"):
                words.append(cursor.string())
        if several and not {"round-robin", "random", "bitmask", "source-hash", "least-states"} & set(words):
            words.insert(0, "round-robin")
        return "".join(f" {word}" for word in words)
