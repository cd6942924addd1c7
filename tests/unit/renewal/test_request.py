# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What certbot_certificate is asked for: of several sites, all that cannot be meant is told at once."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import request as certificate
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._renewal.arguments import ARGUMENTS, INSTALLATION
from ansible_collections.port443.https.plugins.module_utils._renewal.lineage import KEY_TYPES
from ansible_collections.port443.https.plugins.module_utils._renewal.request import parse
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import RenewalPaths

SITE, SHOP = "www.example.com", "shop.example.com"
SITES = [{"name": SITE}, {"name": SHOP}]


def test_each_site_has_its_own_options_and_else_those_of_the_task():
    own = {"email": "a@b.example", "server": "https://other.example/dir", "key_type": "rsa-2048", "owner": "me"}
    task = parse(params(sites=[{"name": SITE, "email": "", **site} for site in ({}, {"name": SHOP, **own})]))
    assert [(site.account.email, site.server, site.key_type) for site in task.sites] == [
        ("c@d.example", "https://ca.example/dir", "ecdsa-p256"),
        ("a@b.example", "https://other.example/dir", "rsa-2048"),
    ]
    assert [site.settings.options["owner"] for site in task.sites] == [None, "me"]


def params(**given):
    options = {name: option.get("default") for name, option in ARGUMENTS.items()}
    common = {"terms_agreed": True, "email": "c@d.example", "server": "https://ca.example/dir"}
    return {**options, **common, **given}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"sites": []}, "sites is empty: list the sites, each with its name"),
        (
            {"sites": [{"name": SITE}, {"name": SHOP}, {"name": "WWW.example.com"}]},
            f"each site has a name for itself; given more than once: {SITE}",
        ),
        (
            {"sites": [{"name": SITE, "names": ["*.example.com"]}, {"name": "../x"}, {"name": SHOP, "email": "-x"}]},
            f"sites[0] ({SITE}): *.example.com: a wildcard is proved by DNS alone (dns-01), which certbot does not do "
            "here; sites[1] (../x): name '../x' cannot be a directory's name: give the site's host name without a "
            "wildcard, such as example.com, or a word, and everything else the certificate has to cover as names; "
            f"sites[2] ({SHOP}): email '-x' is not one plain word",
        ),
        (
            {"sites": SITES, "terms_agreed": False},
            "read the terms of the CA, https://ca.example/dir, and set terms_agreed: true if you agree to them",
        ),
        ({"sites": SITES, "keep": 0}, "keep 0 is not between 1 and 100"),
        (
            {"sites": SITES, "install": True, "package": []},
            "package is empty: name the package that brings certbot, or leave it out",
        ),
    ],
)
def test_all_that_cannot_be_meant_is_told_at_once_and_what_concerns_all_sites_once(given, told):
    with pytest.raises(RequestError) as refused:
        parse(params(**given))
    assert refused.value.message == told


@pytest.mark.parametrize(
    ("state", "agreed", "refused"),
    [
        *(("present", agreed, agreed is not True) for agreed in (None, False, True)),
        *(("prepared", agreed, agreed is False) for agreed in (None, False, True)),
        *((state, False, False) for state in ("absent", "revoked")),
    ],
)
def test_who_does_not_agree_is_told_before_anything_is_prepared(state, agreed, refused):
    try:
        parse(params(sites=SITES, state=state, terms_agreed=agreed))
    except RequestError:
        assert refused
    else:
        assert not refused


def test_the_specification_says_what_the_code_behind_it_knows():
    assert {name: certificate.ARGUMENT_SPEC[name] for name in INSTALLATION} == INSTALLATION
    assert ARGUMENTS["key_type"]["choices"] == list(KEY_TYPES)
    assert ARGUMENTS["webroot"]["default"] == RenewalPaths.webroot
