# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses targets of iptables into verdicts and effects, after iptables-extensions(8)."""

from __future__ import annotations

from typing import Callable, Dict, NamedTuple, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Effect, EffectKind, RuleVerdict
from ansible_collections.port443.https.plugins.module_utils._xtables import words
from ansible_collections.port443.https.plugins.module_utils._xtables.extensions import FEWEST_HOPS, HARMLESS, TARGETS


class TargetAction(NamedTuple):
    """What a rule does: its verdict with target and argument, and before that its effects."""

    verdict: RuleVerdict
    target: str
    argument: Tuple[int, ...] = ()
    effects: Tuple[Effect, ...] = ()


_ALL_BITS = 0xFFFFFFFF
_COPIES: Dict[str, EffectKind] = {"--save-mark": "save_mark", "--restore-mark": "restore_mark"}
_PLAIN = {
    "ACCEPT": TargetAction("accept", "ACCEPT"),
    "DROP": TargetAction("drop", "DROP"),
    "REJECT": TargetAction("reject", "REJECT"),
    "RETURN": TargetAction("return", "RETURN"),
    "NOTRACK": TargetAction("continue", "NOTRACK", (), (Effect("notrack"),)),
    "HMARK": TargetAction("continue", "HMARK", (), (Effect("mark"),)),
    "SNAT": TargetAction("snat", "SNAT"),  # after the last filter
    "MASQUERADE": TargetAction("snat", "MASQUERADE"),
}


def understand_target(name: str, options: Dict[str, str], family: str) -> TargetAction:
    """Returns what a target that is no chain of the table does; what is not understood is opaque."""
    if name in _PLAIN:
        return _PLAIN[name]
    if TARGETS.get(name) == HARMLESS:
        return TargetAction("continue", name)
    read = _READERS.get(name)
    return (read(options, family) if read else None) or TargetAction("opaque", name)


def _mark(options: Dict[str, str], _family: str) -> Optional[TargetAction]:
    """Xt_mark.c: mark = mark & ~mask ^ value; the other spellings are shorthands for that."""
    return _set_mark("mark", "MARK", options)


def _set_mark(kind: EffectKind, name: str, options: Dict[str, str]) -> Optional[TargetAction]:
    for option, word in options.items():
        pair = words.parse_value_and_mask(word)
        if pair is None:
            return None
        value, mask = pair
        arguments = {
            "--set-xmark": (value, mask),
            "--set-mark": (value, mask | value),
            "--or-mark": (value, value),
            "--and-mark": (0, value ^ _ALL_BITS),
            "--xor-mark": (value, 0),
        }
        if option in arguments:
            return TargetAction("continue", name, (), (Effect(kind, arguments[option]),))
    return None


def _connmark(options: Dict[str, str], _family: str) -> Optional[TargetAction]:
    for option, kind in _COPIES.items():
        if option in options:
            both = options.get("--mask", hex(_ALL_BITS))
            masks = [words.parse_number(options.get(mask, both)) for mask in ("--nfmask", "--ctmask")]
            if None in masks:
                return None
            both_masks = tuple(mask for mask in masks if mask is not None)
            return TargetAction("continue", "CONNMARK", (), (Effect(kind, both_masks),))
    return _set_mark("connmark", "CONNMARK", options)


def _ct(options: Dict[str, str], _family: str) -> Optional[TargetAction]:
    """A zone of its own may hide the reply from the connection, so it is not understood."""
    if "--notrack" in options:
        return TargetAction("continue", "CT", (), (Effect("notrack"),))
    if any(option.startswith("--zone") for option in options):
        return None
    return TargetAction("continue", "CT", (), (Effect("template"),))


def _set(options: Dict[str, str], _family: str) -> Optional[TargetAction]:
    """Who is in a set that a packet is added to, or taken out of, is not known from then on; a map gives a mark."""
    names = [options[option].split(" ")[0] for option in ("--add-set", "--del-set") if option in options]
    effects = tuple(Effect("add_to_set", name=name) for name in names)
    return TargetAction("continue", "SET", (), (*effects, Effect("mark")) if "--map-mark" in options else effects)


def _ttl(options: Dict[str, str], _family: str) -> Optional[TargetAction]:
    """Xt_HL.c. Neighbours take no message of discovery but with a hop limit of 255 (RFC 4861, 7.1.1)."""
    if "--ttl-inc" in options:
        return TargetAction("continue", "TTL", (), (Effect("hop_limit", (0, 255)),))
    hops = words.parse_number(options.get("--ttl-set", ""))
    if hops is None or not FEWEST_HOPS <= hops <= 255:
        return None
    return TargetAction("continue", "TTL", (), (Effect("hop_limit", (hops, hops)),))


def _hl(options: Dict[str, str], _family: str) -> Optional[TargetAction]:
    hops = words.parse_number(options.get("--hl-set", ""))
    return TargetAction("continue", "HL", (), (Effect("hop_limit", (hops, hops)),)) if hops == 255 else None


def _redirect(options: Dict[str, str], _family: str) -> Optional[TargetAction]:
    word = options.get("--to-ports", "")
    ports = _nat_ports(word)
    return None if ports is None else TargetAction("redirect", "REDIRECT", ports)


def _dnat(options: Dict[str, str], family: str) -> Optional[TargetAction]:
    """``--to-destination``: an address or a range, in brackets for IPv6 with ports; ports alone keep the address."""
    word = options.get("--to-destination", "")
    address, ports_word = word, ""
    if family == "ip6" and word.startswith("["):
        address, _sign, ports_word = word[1:].partition("]")
        ports_word = ports_word[1:]
    elif family == "ip":
        address, _sign, ports_word = word.partition(":")
    ports = _nat_ports(ports_word)
    if not word or ports is None:
        return None
    return TargetAction("redirect", "DNAT", ports) if not address else TargetAction("dnat", address, ports)


def _nat_ports(word: str) -> Optional[Tuple[int, ...]]:
    """``8443`` or ``8443-8445`` as a span; ``/base`` shifts a range in a way that is not followed."""
    if not word:
        return ()
    low_word, dash, high_word = word.partition("-")
    low = words.parse_port(low_word)
    high = words.parse_port(high_word) if dash else low
    return None if low is None or high is None or low > high else (low, high)


_READERS: Dict[str, Callable[[Dict[str, str], str], Optional[TargetAction]]] = {
    "MARK": _mark,
    "CONNMARK": _connmark,
    "CT": _ct,
    "SET": _set,
    "TTL": _ttl,
    "HL": _hl,
    "REDIRECT": _redirect,
    "DNAT": _dnat,
}
