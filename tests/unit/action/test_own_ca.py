# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A CA of one's own is made once, issues what is asked for, and issues it again when it no longer will do."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_pair
from ansible_collections.port443.https.plugins.module_utils._pki.policy import Demand, evaluate
from ansible_collections.port443.https.plugins.module_utils._tls.self_handshake import Trust, load_pair, verify_chain
from ansible_collections.port443.https.plugins.plugin_utils import _own_ca

DAY = 86400
DEMAND = Demand(("www.example.com", "*.example.com", "192.0.2.1"))


@pytest.fixture
def now():
    import time

    return int(time.time())


@pytest.fixture
def provide(tmp_path, now):
    def call(site="www.example.com", demand=DEMAND, passphrase=None, check_mode=False, later=0):
        return _own_ca.provide(str(tmp_path / "ca"), site, demand, passphrase, check_mode, now + later)

    return call


def modes(folder):
    return {path.name: oct(path.stat().st_mode & 0o777) for path in (folder / "ca").iterdir()}


def test_a_pair_is_issued_that_clients_take_without_a_word(provide, now):
    given = provide()
    pair = read_pair(given["certificate"], given["key"], None, now)
    verdict = evaluate(pair, DEMAND, now)
    assert (verdict.problems, verdict.warnings) == ((), ())
    assert verify_chain(pair, Trust(False, given["ca"]), load_pair(pair)) == []
    assert pair.leaf.names() == ("www.example.com", "*.example.com", "192.0.2.1")


def test_the_next_run_gives_the_same(provide, tmp_path):
    first = provide()
    assert provide() == first
    assert provide(check_mode=True) == first
    assert modes(tmp_path) == {
        "ca.key": "0o600",
        "ca.pem": "0o644",
        "www.example.com.key": "0o600",
        "www.example.com.pem": "0o644",
    }


def test_check_mode_writes_nothing(provide, tmp_path):
    assert set(provide(check_mode=True)) == {"certificate", "key", "ca"}
    assert not (tmp_path / "ca").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"demand": Demand(("www.example.com", "shop.example.net"))},
        {"later": (397 - 29) * DAY},
        {"demand": Demand(DEMAND.names, minimum_days=100), "later": (397 - 99) * DAY},
    ],
)
def test_a_pair_that_no_longer_will_do_is_issued_again_by_the_same_ca(provide, change):
    first, again = provide(), provide(**change)
    assert (again["ca"], again["certificate"] != first["certificate"]) == (first["ca"], True)


def test_another_ca_in_the_folder_issues_again(provide, tmp_path):
    first = provide()
    for ending in ("pem", "key"):
        (tmp_path / "ca" / f"ca.{ending}").unlink()
    again = provide()
    assert (again["ca"] != first["ca"], again["certificate"] != first["certificate"]) == (True, True)


def test_a_damaged_pair_is_issued_again(provide, tmp_path, now):
    provide()
    (tmp_path / "ca" / "www.example.com.pem").write_text("nonsense")
    given = provide()
    assert evaluate(read_pair(given["certificate"], given["key"], None, now), DEMAND, now).problems == ()


def test_keys_are_encrypted_with_a_passphrase(provide, tmp_path):
    first = provide(passphrase="secret")
    assert all(b"ENCRYPTED" in path.read_bytes() for path in (tmp_path / "ca").glob("*.key"))
    assert b"ENCRYPTED" not in first["key"]
    assert provide(passphrase="secret") == first
    for passphrase in ("wrong", None):
        with pytest.raises(RequestError) as refused:
            provide(passphrase=passphrase)
        assert refused.value.message == (
            f"own_ca: ca.key in {tmp_path}/ca does not open with the given passphrase, or is damaged"
        )


def test_half_a_ca_is_told(provide, tmp_path):
    provide()
    (tmp_path / "ca" / "ca.key").unlink()
    with pytest.raises(RequestError) as refused:
        provide()
    assert refused.value.message == (
        f"own_ca: {tmp_path}/ca/ca.pem is there and ca.key is not: put it back, or remove the other"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"site": "ca"}, "name 'ca' is what the CA itself is called in own_ca: give another"),
        (
            {"demand": Demand(("www.example.com",), minimum_days=368)},
            "minimum_days 368 is more than own_ca gives: its certificates are for 397 days",
        ),
    ],
)
def test_what_cannot_be_issued_is_refused(provide, given, message):
    with pytest.raises(RequestError) as refused:
        provide(**given)
    assert refused.value.message == message
