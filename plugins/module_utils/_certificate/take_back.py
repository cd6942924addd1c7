# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rolls a refused pair back: why it is not served, the previous one put back, and what is served then."""

from __future__ import annotations

from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.deployment_state import DeploymentState
from ansible_collections.port443.https.plugins.module_utils._certificate.store import Exchange
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._tls import served_certificate
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Look, is_proved
from ansible_collections.port443.https.plugins.module_utils._webservers.base import WebServer, tell_failure


def tell_unproved(looks: Tuple[Look, ...], situation: DeploymentState, kind: str, seconds: int) -> str:
    """Returns what was seen after a reload instead of the wanted pair, whose key is of ``kind``, and why."""
    fingerprint = situation.fingerprint
    unproved = [look for look in looks if look.fingerprint != fingerprint]
    asked = [f"'{look.place.name}'" if look.place.name else "a client that sends no server name" for look in unproved]
    return "the service was reloaded, but after {} seconds {} for {} instead of sha256:{}; {}".format(
        seconds,
        ", ".join(map(str, unproved)),
        " and ".join(dict.fromkeys(asked)),
        fingerprint,
        "; ".join(dict.fromkeys(_explain(look, fingerprint, kind) for look in unproved)),
    )


def take_back(
    service: WebServer, path: str, situation: DeploymentState, step: Exchange, reloaded: bool, seconds: int
) -> str:
    """Undoes the exchange in the site's directory ``path``, and the reload if there was one; returns what is the case.

    ``situation`` is how the site stood before; the service has ``seconds`` for its reload.
    """
    try:
        if not step.undo():
            return "the pair had been installed before and stays"
    except OSError as problem:
        return f"the previous pair could not be put back into {path}: {problem.strerror}"
    if situation.have.link is None:
        return "nothing was installed before, and nothing is now" + _tell_rest(situation)
    return "the previous pair is back" + _tell_served(situation, _reload(service) if reloaded else "", seconds)


def _explain(look: Look, fingerprint: str, kind: str) -> str:
    """Why the pair is not what was seen: where the server's own name shows it, it is the name that leads elsewhere."""
    place, own = look.place, look.place.own()
    if own is None or served_certificate.fetch(own, fingerprint, kind).fingerprint != fingerprint:
        return "its error log may say why"
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


def _reload(service: WebServer) -> str:
    """Returns what is against the reload with the previous pair, empty if nothing is."""
    try:
        tested = service.test()
        ended = service.reload() if tested.returncode == 0 else tested
    except (HostError, OSError) as problem:
        return str(problem)
    return tell_failure(ended) if ended.returncode != 0 else ""


def _tell_served(situation: DeploymentState, trouble: str, seconds: int) -> str:
    """Returns the end of a sentence: whether the previous pair is served, for all that can be seen."""
    unloaded = f", but the service could not be reloaded with it: {trouble}" if trouble else ""
    previous = situation.previous()
    if previous:
        places = tuple(look.place for look in previous)
        looks = served_certificate.look_until(places, previous[0].fingerprint, "", seconds)
        if is_proved(looks, previous[0].fingerprint):
            return " and served"
        return unloaded + ", but " + ", ".join(map(str, looks))
    if not situation.all_looks():
        return unloaded
    looks = served_certificate.look_until_gone(
        [look.place for look in situation.all_looks()], situation.fingerprint, seconds
    )
    refused = [str(look) for look in looks if look.fingerprint == situation.fingerprint]
    if refused:
        return f"{unloaded}, but the refused one is still served: {', '.join(refused)}"
    return f"{unloaded}, as unserved as it was: {', '.join(map(str, looks))}"


def _tell_rest(situation: DeploymentState) -> str:
    """Returns the end of a sentence: where a service that no reload is possible for has the pair still."""
    looks = served_certificate.look_until_gone([look.place for look in situation.all_looks()], situation.fingerprint, 0)
    refused = [str(look) for look in looks if look.fingerprint == situation.fingerprint]
    return f", but the service has the refused pair until it is reloaded: {', '.join(refused)}" if refused else ""
