# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is read of the pairs of several sites is kept apart from what is handed to the host, and shown nowhere."""

from __future__ import annotations

import json

import pki
import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.port443.https.plugins.action import certificate, sites
from ansible_collections.port443.https.plugins.plugin_utils._site_pairs import SitePairs, read_pairs, secrets_of

SITE = pki.site()
KEY = SITE.key_pem().decode()


class Reader:
    """Reads nothing: what is given is what is there."""

    module = "port443.https.certificate"

    def fetch(self, given):
        if given["name"].startswith("bad"):
            raise AnsibleActionFail(f"{self.module}: it is bad")
        opened = {"certificate": "chain", "key": KEY} if "key_file" in given else {}
        return {**given, **opened}, ("mended",)


def site(name, **options):
    return {"name": name, "remote_src": False, "self_signed": False, "owner": None, **options}


def test_content_and_paths_of_the_controller_are_not_among_the_arguments():
    read = read_pairs(
        Reader(),
        [
            site("a", certificate_file="a.crt", key_file="a.key", passphrase="p", owner="www"),
            site("b", certificate_file="/b.crt", key_file="/b.key", remote_src=True, passphrase="q"),
            site("c", certificate="x", key="y"),
        ],
        {"a", "b"},
        {"ca": "root", "keep": 2},
    )
    assert read.sites == [
        {"name": "a", "remote_src": False, "self_signed": False, "owner": "www"},
        {
            "name": "b",
            "certificate_file": "/b.crt",
            "key_file": "/b.key",
            "remote_src": True,
            "self_signed": False,
        },
        {"name": "c"},
    ]
    assert json.loads(read.argument()["_pairs"]) == {
        "a": {"certificate": "chain", "key": KEY, "passphrase": "p", "ca": "root"},
        "b": {"certificate": "chain", "key": KEY, "passphrase": "q", "ca": "root"},
    }
    assert set(read.secrets()) == {KEY, "p", "q"}
    assert (KEY in repr(read), read.mended) == (False, {"a": ("mended",), "b": ("mended",)})


def test_nothing_that_was_read_is_no_argument():
    assert SitePairs([], {}, {}).argument() == {}


def test_what_is_wrong_with_any_is_told_at_once():
    with pytest.raises(AnsibleActionFail) as refused:
        read_pairs(Reader(), [site("bad 1"), site("good"), site("bad 2")], {"bad 1", "good", "bad 2"}, {})
    assert str(refused.value) == "port443.https.certificate: bad 1, bad 2: it is bad"


def test_every_secret_is_known_before_it_could_be_shown():
    given = {"passphrase": "all", "sites": [{"key": "k", "bundle": "b"}, {"passphrase": "p"}, "no site"]}
    assert secrets_of(given) == ["all", "k", "b", "p"]
    assert secrets_of({"sites": "none"}) == []


@pytest.mark.parametrize(
    "given",
    [
        {"sites": [{"name": "a", "passphrase": "secret", "state": "secret"}]},
        {"sites": [{"name": "a", "passphrase": "secret"}], "service": "secret"},
        {"sites": [{"name": "secret/", "passphrase": "secret"}]},
        {"sites": [{"name": "a"}], "passphrase": "secret", "directory": "secret"},
    ],
)
def test_a_refusal_shows_no_secret(given):
    with pytest.raises(AnsibleActionFail) as refused:
        certificate.check(given)
    assert "secret" not in str(refused.value)


def test_paths_on_the_host_are_the_hosts_to_expand():
    given = [{"name": "a", "key_file": "~/a.key"}, {"name": "b"}]
    sites = [{"name": "a", "key_file": "/root/a.key"}, {"name": "b"}]
    assert certificate._keep_paths(sites, given) == given
    assert certificate._keep_paths(sites, ["name=a key_file=~/a.key", "name=b"]) == sites


SHARED = {"own_ca": "ca", "passphrase": "all's"}


def check_sites(**given):
    return object.__new__(sites.ActionModule)._check(given)


def test_the_sites_of_a_task_get_what_is_for_all_and_the_rest_of_the_task_does_not():
    given = [{"name": "a.example"}, {"name": "b.example", "certificate_file": "b.pem", "key_file": "b.key"}]
    params = check_sites(sites=given, **SHARED)
    assert [(site["own_ca"], site["passphrase"]) for site in params["sites"]] == [("ca", "all's"), (None, "all's")]
    assert params.keys() & SHARED.keys() == set()


def test_a_passphrase_for_all_is_not_shown():
    with pytest.raises(AnsibleActionFail) as refusal:
        check_sites(sites=[{"name": "a.example"}], server="all's", **SHARED)
    assert "all's" not in str(refusal.value)


def test_a_text_of_directives_is_kept_whole_before_ansible_reads_it():
    line = 'add_header X-Kinds "a, b";'
    params = check_sites(sites=[{"name": "a.example", "directives": line}], http_directives=line)
    assert (params["sites"][0]["directives"], params["http_directives"]) == ([line], [line])
