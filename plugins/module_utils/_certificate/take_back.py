# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rolls refused pairs back: why they are not served, the previous ones put back, and what is served then."""

from __future__ import annotations

from typing import List, Mapping, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import store
from ansible_collections.port443.https.plugins.module_utils._certificate.deployment_state import DeploymentState
from ansible_collections.port443.https.plugins.module_utils._certificate.exchanged_pairs import DuePair, ExchangedPairs
from ansible_collections.port443.https.plugins.module_utils._certificate.requested_pair import RequestedPair
from ansible_collections.port443.https.plugins.module_utils._tls import proof as _proof
from ansible_collections.port443.https.plugins.module_utils._tls.proof import Expectation
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import (
    Endpoint,
    Look,
    fetch,
    is_proved,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.base import ServiceControl, load_again


def tell_unproved(missed: Sequence[DuePair], looks: Mapping[str, Tuple[Look, ...]], seconds: int) -> str:
    """Returns what was seen after a reload in place of the pairs that were ``missed``, and why."""
    told = [
        one.label + _tell_missed(looks.get(one.site, ()), one.fingerprint, one.pair.leaf.key.kind)
        for one, _state in missed
    ]
    return f"the service was reloaded, but after {seconds} seconds {_proof.join_some(told)}"


def foresee_missed(one: RequestedPair, state: DeploymentState) -> str:
    """Returns why a reload would not bring a pair to where it is asked for, empty where nothing speaks against it.

    That is so where the server shows the installed pair for a name of its own, and another one answers the site's.
    """
    installed = store.read_leaf(state.have)
    held = {one.fingerprint, installed.fingerprint() if installed else one.fingerprint}
    shown = {(look.place.address, look.place.port) for look in state.own_looks if look.fingerprint in held}
    astray = [
        look
        for look in state.looks
        if look.place.instead and look.fingerprint not in (*held, "") and (look.place.address, look.place.port) in shown
    ]
    if not astray:
        return ""
    told = "; ".join(dict.fromkeys(_tell_other(look.place) for look in astray))
    return f"{one.label}the pair would not be served: {', '.join(map(str, astray))}; {told}"


def take_back(control: ServiceControl, pairs: ExchangedPairs, reloaded: bool, seconds: int) -> str:
    """Gives the sites what they had, and the service as well if it was ``reloaded``; returns what is the case then.

    The service has ``seconds`` for its reload.
    """
    several = len(pairs.due) > 1
    had = [due for due in pairs.due if pairs.had_pair(due)]
    new = [due for due in pairs.due if not pairs.had_pair(due)]
    told = pairs.put_back(had)
    reloads = pairs.has_moved() and reloaded and len(told) < len(had)
    trouble = load_again(control) if reloads else ""
    # A first pair stays until that is done: a configuration that names it cannot be taken up without.
    again = _tell_served_again(had, trouble, seconds if reloads else 0) if several else ""
    told += pairs.put_back(new)
    if trouble and new:
        trouble = load_again(control)
        again = _tell_served_again(had, trouble, seconds) if several else ""
    if told:
        return "; ".join(told)
    if not pairs.has_moved():
        return f"the {'pairs' if several else 'pair'} had been installed before and {'stay' if several else 'stays'}"
    if several:
        return f"all pairs are as they were{again}{_tell_kept(pairs.due)}"
    ((_one, state),) = pairs.due
    if new:
        return "nothing was installed before, and nothing is now" + _tell_rest(state)
    return "the previous pair is back" + _tell_served(state, trouble, seconds)


def _tell_missed(looks: Sequence[Look], fingerprint: str, kind: str) -> str:
    unproved = [look for look in looks if look.fingerprint != fingerprint]
    asked = [f"'{look.place.name}'" if look.place.name else "a client that sends no server name" for look in unproved]
    return "{} for {} instead of sha256:{}; {}".format(
        ", ".join(map(str, unproved)),
        " and ".join(dict.fromkeys(asked)),
        fingerprint,
        "; ".join(dict.fromkeys(_explain(look, fingerprint, kind) for look in unproved)),
    )


def _explain(look: Look, fingerprint: str, kind: str) -> str:
    """Why the pair is not what was seen: where the server's own name shows it, it is the name that leads elsewhere."""
    own = look.place.own()
    if own is None or fetch(own, fingerprint, kind).fingerprint != fingerprint:
        return "its error log may say why"
    return _tell_other(look.place)


def _tell_other(place: Endpoint) -> str:
    """Returns why another server answers at a place, and what would help."""
    theirs = ", ".join(place.instead)
    if not place.name:
        return (
            f"the server that shows the pair is for {theirs} and not the default of {place}, and a certificate for "
            "addresses alone is shown by the default server: make it that"
        )
    return (
        f"the server that shows the pair is for {theirs} and not for {place.name}, so another one answers: give it a "
        f"name that the certificate covers, or make it the default of {place}"
    )


def _tell_served_again(had: Sequence[DuePair], trouble: str, seconds: int) -> str:
    """Returns the end of a sentence: whether the previous pairs are served, once the service has had time for that."""
    former = [
        Expectation(one.site, looks[0].fingerprint, "", tuple(look.place for look in looks))
        for one, looks in ((one, state.previous()) for one, state in had)
        if looks
    ]
    unloaded = f", but the service could not be reloaded with them: {trouble}" if trouble else ""
    again = _proof.tell_served_again(former, seconds)
    _proof.look_until_gone(_refused(had), seconds)
    return unloaded + again


def _tell_kept(due: Sequence[DuePair]) -> str:
    """Returns the end of a sentence: whose refused pairs are served, which no reload took away."""
    refused = _refused(due)
    looks = _proof.look_at_all(refused)
    kept = [one.site for one in refused if any(look.fingerprint == one.fingerprint for look in looks[one.site])]
    return f"; the service has the refused pairs of {', '.join(kept)} until it is reloaded" if kept else ""


def _refused(due: Sequence[DuePair]) -> List[Expectation]:
    """What is not to be served any more, of sites whose former pair nobody saw."""
    return [
        Expectation(one.site, one.fingerprint, "", tuple(look.place for look in state.all_looks()))
        for one, state in due
        if not state.previous() and not _has_leaf(state, one.fingerprint)
    ]


def _has_leaf(state: DeploymentState, fingerprint: str) -> bool:
    leaf = store.read_leaf(state.have)
    return leaf is not None and leaf.fingerprint() == fingerprint


def _tell_served(state: DeploymentState, trouble: str, seconds: int) -> str:
    """Returns the end of a sentence: whether the previous pair is served, for all that can be seen."""
    unloaded = f", but the service could not be reloaded with it: {trouble}" if trouble else ""
    previous = state.previous()
    if previous:
        former = Expectation("", previous[0].fingerprint, "", tuple(look.place for look in previous))
        looks = _proof.look_until_met([former], seconds)[""]
        if is_proved(looks, former.fingerprint):
            return " and served"
        return unloaded + ", but " + ", ".join(map(str, looks))
    if not state.all_looks():
        return unloaded
    looks = _look_until_gone(state, seconds)
    refused = [str(look) for look in looks if look.fingerprint == state.fingerprint]
    if refused:
        return f"{unloaded}, but the refused one is still served: {', '.join(refused)}"
    return f"{unloaded}, as unserved as it was: {', '.join(map(str, looks))}"


def _tell_rest(state: DeploymentState) -> str:
    """Returns the end of a sentence: where a service that no reload is possible for has the pair still."""
    refused = [str(look) for look in _look_until_gone(state, 0) if look.fingerprint == state.fingerprint]
    return f", but the service has the refused pair until it is reloaded: {', '.join(refused)}" if refused else ""


def _look_until_gone(state: DeploymentState, seconds: int) -> Tuple[Look, ...]:
    places = tuple(look.place for look in state.all_looks())
    return _proof.look_until_gone([Expectation("", state.fingerprint, "", places)], seconds)[""]
