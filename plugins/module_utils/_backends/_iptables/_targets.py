# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each target of iptables does to a packet, after iptables-extensions(8)."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._backends._iptables import _words

Effect = Tuple[str, str, Tuple[int, ...]]
"""A rule's verdict, target and argument."""

_ALL_BITS = 0xFFFFFFFF
_PLAIN = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return", "NOTRACK": "notrack"}
# They change or record what decides neither a packet's way nor a later match; SNAT acts after the last filter.
_CONTINUE = frozenset(
    [
        "LOG",
        "NFLOG",
        "ULOG",
        "TRACE",
        "AUDIT",
        "LED",
        "IDLETIMER",
        "RATEEST",
        "SET",
        "TCPMSS",
        "TCPOPTSTRIP",
        "CHECKSUM",
        "CLASSIFY",
        "DSCP",
        "TOS",
        "TEE",
        "ECN",
        "SECMARK",
        "CONNSECMARK",
        "TTL",
    ]
)
_SOURCE_NAT = frozenset(("SNAT", "MASQUERADE"))


def understand_target(name: str, options: Dict[str, str], family: str) -> Effect:
    """Returns what a target that is no chain of the table does; what is not understood is opaque."""
    if name in _PLAIN:
        return _PLAIN[name], name, ()
    if name in _CONTINUE:
        return "continue", name, ()
    if name in _SOURCE_NAT:
        return "snat", name, ()
    readers = {"MARK": _mark, "CONNMARK": _connmark, "CT": _ct, "REDIRECT": _redirect, "DNAT": _dnat}
    effect = readers[name](options, family) if name in readers else None
    return effect or ("opaque", name, ())


def _mark(options: Dict[str, str], _family: str) -> Optional[Effect]:
    """Xt_mark.c: mark = mark & ~mask ^ value; the other spellings are shorthands for that."""
    return _set_mark("mark", "MARK", options)


def _set_mark(verdict: str, name: str, options: Dict[str, str]) -> Optional[Effect]:
    for option, word in options.items():
        pair = _words.parse_value_and_mask(word)
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
            return verdict, name, arguments[option]
    return None


def _connmark(options: Dict[str, str], _family: str) -> Optional[Effect]:
    for option, verdict in (("--save-mark", "save_mark"), ("--restore-mark", "restore_mark")):
        if option in options:
            both = options.get("--mask", hex(_ALL_BITS))
            masks = [_words.parse_number(options.get(mask, both)) for mask in ("--nfmask", "--ctmask")]
            if None in masks:
                return None
            return verdict, "CONNMARK", tuple(mask for mask in masks if mask is not None)
    return _set_mark("connmark", "CONNMARK", options)


def _ct(options: Dict[str, str], _family: str) -> Optional[Effect]:
    """A zone of its own may hide the reply from the connection, so it is not understood."""
    if "--notrack" in options:
        return "notrack", "CT", ()
    if any(option.startswith("--zone") for option in options):
        return None
    return "continue", "CT", ()


def _redirect(options: Dict[str, str], _family: str) -> Optional[Effect]:
    word = options.get("--to-ports", "")
    ports = _nat_ports(word)
    return None if ports is None else ("redirect", "REDIRECT", ports)


def _dnat(options: Dict[str, str], family: str) -> Optional[Effect]:
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
    return ("redirect", "DNAT", ports) if not address else ("dnat", address, ports)


def _nat_ports(word: str) -> Optional[Tuple[int, ...]]:
    """``8443`` or ``8443-8445`` as a span; ``/base`` shifts a range in a way that is not followed."""
    if not word:
        return ()
    low_word, dash, high_word = word.partition("-")
    low = _words.parse_port(low_word)
    high = _words.parse_port(high_word) if dash else low
    return None if low is None or high is None or low > high else (low, high)
