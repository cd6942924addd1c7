# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever a user gives is refused, or read back from the rendered file as exactly what was given."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.reader import parse_directives
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, ServerSettings
from hypothesis import example, given
from hypothesis import strategies as st
from nginx_language import LANGUAGE, make_site, render

HOSTILE = st.text(
    st.sampled_from("\"';{}$%#\\\n\r\t\0 abn/:~*@[]().,?&=<>|`^!\u00e9\u4e2d\ud800"), max_size=30
) | st.text(max_size=2000)
PREFIXED = st.builds(
    "{}{}".format, st.sampled_from(["", "/", "/srv/", "http://a", "http://a/", "127.0.0.1:9", "a"]), HOSTILE
)


UPSTREAM = "http://port443-0-www.example.com"


def path_of(url):
    return "/".join(["", *url.split("/")[3:]]) if url.count("/") > 2 else ""


def one(**more):
    return make_site(locations=[Location(more.pop("path", "/x"), **more)])


# How a value is given, and the directive that has it as its last word; None is a server's option.
OPTIONS = {
    "certificate": (lambda value: dataclasses.replace(make_site(), certificate=value), "ssl_certificate", str),
    "key": (lambda value: dataclasses.replace(make_site(), key=value), "ssl_certificate_key", str),
    "root": (lambda value: make_site(root=value), "root", str),
    "users_file": (lambda value: make_site(users_file=value), "auth_basic_user_file", str),
    "client_ca": (
        lambda value: make_site(client_ca=value, client_verification="optional"), "ssl_client_certificate", str
    ),
    "backend_ca": (
        lambda value: make_site(backends=("https://a",), backend_ca=value), "proxy_ssl_trusted_certificate", str
    ),
    "names": (
        lambda value: make_site(names=[value]), "server_name", lambda value: f"[{value}]" if ":" in value else value
    ),
    "path": (lambda value: one(path=value, redirect_to="/"), "location", str),
    "location root": (lambda value: one(root=value), "root", str),
    "redirect_to": (lambda value: one(redirect_to=value), "return", str),
    "php": (lambda value: one(php=value), "fastcgi_pass", lambda value: f"unix:{value}" if value[:1] == "/" else value),
    "backends": (lambda value: make_site(backends=(value,)), "proxy_pass", lambda value: UPSTREAM + path_of(value)),
}  # fmt: skip


def words_of(directives, name):
    for directive in directives:
        if directive.words[0] == name:
            yield directive.words[-1]
        yield from words_of(directive.block or (), name)


def shape_of(directives):
    """The names of all directives in their places, without what they hold."""
    return tuple(
        (directive.words[0], len(directive.words), shape_of(directive.block or ())) for directive in directives
    )


def text_of(site):
    (text,) = [
        file.text
        for file in render([site])
        if file.text and file.path.endswith("available/zz-port443-www.example.com.conf")
    ]
    return text


GOOD = {"names": "a", "php": "/run/a", "backends": "http://a/b", "redirect_to": "/a"}


@pytest.mark.parametrize("option", OPTIONS)
@given(value=PREFIXED)
@example(value='/a b\\n"c\\')
@example(value='/";} server { listen 1; #')
@example(value="/\u00e9")
def test_a_value_is_refused_or_read_back_as_it_was_given(option, value):
    make, name, written = OPTIONS[option]
    site = make(value)
    if not value or LANGUAGE.complaints([site], ServerSettings()) or value == "/" or value.startswith("https:"):
        return  # of a "/" and of HTTPS the file has other directives
    directives = parse_directives(text_of(site))
    assert written(value) in list(words_of(directives, name))
    good = make(value if option == "backends" else GOOD.get(option, "/a"))
    assert shape_of(directives) == shape_of(parse_directives(text_of(good)))
    assert all("$" not in word for word in [value] if option != "path")


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("value", ["/a\nb", "/a\0b", "x" * 5000, "/" + "x" * 5000, "\ud800"])
def test_what_no_file_can_hold_is_refused_in_every_option(option, value):
    assert LANGUAGE.complaints([OPTIONS[option][0](value)], ServerSettings())


@pytest.mark.parametrize("option", OPTIONS)
def test_the_usual_value_is_taken_in_every_option(option):
    assert LANGUAGE.complaints([OPTIONS[option][0](GOOD.get(option, "/a"))], ServerSettings()) == ()


@given(lines=st.lists(HOSTILE, max_size=4))
def test_lines_of_a_user_never_end_the_block_they_stand_in(lines):
    site = make_site(directives=tuple(lines))
    if not LANGUAGE.complaints([site], ServerSettings()):
        assert [directive.words[0] for directive in parse_directives(text_of(site))] == ["server", "server"]
