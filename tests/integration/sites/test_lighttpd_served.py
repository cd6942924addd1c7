# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is lighttpd's alone on a machine: it is restarted, and takes a PROXY line of balancers alone."""

from __future__ import annotations

import pytest
from served_sites import BLOG, SHOP, blog, served_sites, shop

# Its test opens no socket, so that it passes this one, of an address that the machine does not have.
ENDS_IT = '$SERVER["socket"] == "203.0.113.1:9443" { }'


@pytest.fixture
def sites(tmp_path, collections_path):
    with served_sites("lighttpd", tmp_path, collections_path) as running:
        yield running


def test_a_configuration_that_ends_it_is_taken_back_and_it_is_started_again(sites):
    sites.run(blog())
    before = sites.files()
    refused = sites.run(shop(), blog(), http_directives=[ENDS_IT], prove_timeout=2)
    assert refused.get("failed"), refused
    told = "all files and pairs are as they were, and what was served before is served again"
    assert refused["msg"].endswith(told), refused["msg"]
    assert sites.files() == before
    assert sites.get(BLOG)[:2] == (200, "blog / https")


def test_a_balancer_on_the_host_itself_speaks_the_proxy_protocol_and_the_sites_are_proved(sites):
    options = {"proxy_protocol": True, "http_port": 8080}
    refused = sites.run(shop(), trusted_proxies=["127.0.0.0/8"], proxy_protocol=True)
    assert "opens 0.0.0.0:80 without the PROXY protocol" in refused["msg"]
    for trusted in (["127.0.0.0/8"], ["192.0.2.0/24"]):
        made = sites.run(shop(), trusted_proxies=trusted, **options)
        assert [one["served"] for one in made["sites"]] == ["yes"], made
        assert sites.run(shop(), trusted_proxies=trusted, **options)["changed"] is False
    assert sites.get(SHOP)[:2] == (200, "shop / https")  # of nobody whose word counts
