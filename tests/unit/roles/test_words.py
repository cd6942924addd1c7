# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What serve_https takes into a configuration: words that stay one word and mean themselves there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROLE = Path(__file__).resolve().parents[3] / "roles" / "serve_https"
PATTERNS = yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("kind", "taken", "refused"),
    [
        (
            "site_name",
            ["shop.example.com", "my_site-2", "xn--bcher-kva.example"],
            ["", ".hidden", "../up", "a/b", "*.example.com", "Shop", "a b", "a\n", "-x"],
        ),
        (
            "host_name",
            [
                "shop.example.com",
                "*.example.com",
                "bücher.example",
                "_sip.example",
                "192.0.2.1",
                "2001:db8::1",
                "a" * 63,
            ],
            [
                "",
                "a..b",
                ".a",
                "a.",
                "*",
                "a.*.b",
                "*.",
                "a b",
                "a;b",
                "a\n",
                "a/b",
                "a:443",
                "a" * 64,
                "*.2001:db8::1",
            ],
        ),
        (
            "path",
            ["/srv/blog", "/", "/srv/bücher/a+b,c"],
            ["srv", "/with space", "/a;b", "/a{b", '/a"b', "/a'b", "/a$b", "/a#b", "/a\\b", "/a%b", "/a\n"],
        ),
        (
            "address",
            ["http://127.0.0.1:8080", "https://[::1]:8443/app/"],
            ["127.0.0.1:8080", "unix:/run/app", "http://a b", "http://", "http://a;b", "http://a\n"],
        ),
        (
            "backend",
            ["http://127.0.0.1:8080", "http://[::1]:8080/", "http://app.example"],
            ["https://127.0.0.1:8443", "http://127.0.0.1:8080/app", "http://::1", "http://a:b"],
        ),
    ],
)
def test_words_are_taken_or_refused(kind: str, taken: list[str], refused: list[str]) -> None:
    pattern = re.compile(PATTERNS[f"__serve_https_{kind}"])
    assert [word for word in taken if not pattern.match(word)] == []
    assert [word for word in refused if pattern.match(word)] == []
