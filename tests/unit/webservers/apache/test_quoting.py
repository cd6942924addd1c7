# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever a user gives is refused, or reaches the file as exactly that value and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.grammar import (
    escape_pattern,
    find_unquotable,
    quote,
    split_lines,
    split_section,
    split_words,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, ServerSettings
from apache_golden import BUILD, DEBIAN, DEBIANS, LANGUAGE, make_site
from hypothesis import given
from hypothesis import strategies as st
from memory_files import MemoryFiles

HOSTILE = st.text(
    st.sampled_from("abz/.:-_*[]()\"'`\\ ;{}$%#<>&?~^|=,!@\n\r\t\0\x7f\u00e9\u2028"), min_size=1, max_size=12
)
ANYTHING = st.one_of(HOSTILE, st.text(min_size=1, max_size=12), st.just("a" * 9000))
PATHS = ANYTHING.map(lambda text: "/" + text)


def render(site, settings=None):
    """The directives of the site's file and of the shared one as words, sections with their kind in brackets."""
    settings = settings or ServerSettings()
    files = MemoryFiles({**DEBIANS, "/etc/apache2/sites-enabled/000-default.conf": ""})
    others = LANGUAGE.read(files, DEBIAN)
    rendered = LANGUAGE.render([site], (), settings, BUILD, DEBIAN, others, files)
    found = []
    for file in rendered:
        for line in split_lines(file.text or ""):
            kind, words = split_section(line) if line.startswith("<") else ("", split_words(line))
            found.append([f"<{kind}>", *words] if kind else words)
    return found


def is_held(plain, site, settings=None):
    """Whether the site is refused; else it has to have as many directives as one with harmless values."""
    if LANGUAGE.complaints([site], settings or ServerSettings()):
        return False
    assert [words[0] for words in render(site, settings)] == [words[0] for words in render(plain)]
    return True


def values_of(directive, site, settings=None):
    return {words[1] for words in render(site, settings) if words[0] == directive}


@given(ANYTHING)
def test_a_quoted_word_is_read_as_what_it_was(value):
    if not find_unquotable(value):
        assert split_words(f"Alias {quote(value)} next") == ["Alias", value, "next"]
        assert split_section(f"<Directory {quote(value)}>") == ("directory", [value])


@given(ANYTHING)
def test_an_escaped_pattern_fits_its_text_alone(value):
    pattern = escape_pattern(value)
    assert re.fullmatch(pattern, value)
    assert not re.fullmatch(pattern, value + "x")
    assert not re.fullmatch(pattern, "x" + value[1:]) or value[0] == "x"


@pytest.mark.parametrize(
    ("option", "directive", "more"),
    [
        ("certificate", "SSLCertificateFile", {}),
        ("key", "SSLCertificateKeyFile", {}),
        ("root", "DocumentRoot", {}),
        ("root", "<directory>", {}),
        ("client_ca", "SSLCACertificateFile", {"client_verification": "required"}),
        ("users_file", "AuthUserFile", {}),
        ("backend_ca", "SSLProxyCACertificateFile", {"backends": ("https://localhost:8443",)}),
    ],
)
@given(value=st.one_of(PATHS, ANYTHING))
def test_a_path_is_held_or_refused(option, directive, more, value):
    plain = replace(make_site(**more), **{option: "/plain"})
    site = replace(plain, **{option: value})
    if is_held(plain, site):
        assert value in values_of(directive, site)


@given(value=st.one_of(PATHS, ANYTHING))
def test_the_folder_of_challenges_is_held_or_refused(value):
    settings = ServerSettings(acme_root=value)
    if is_held(make_site(), make_site(), settings):
        aliases = {words[2] for words in render(make_site(), settings) if words[0] == "Alias"}
        assert aliases == {value.rstrip("/") + "/.well-known/acme-challenge/"}


@given(value=ANYTHING)
def test_a_name_is_held_or_refused(value):
    site = make_site(names=("www.example.com", value))
    if is_held(make_site(names=("www.example.com", "b.example.com")), site):
        written = f"[{value}]" if ":" in value else value
        assert written in values_of("ServerAlias", site)


@pytest.mark.parametrize("prefix", ["", "http://127.0.0.1:8080/", "http://"])
@given(value=ANYTHING)
def test_a_backend_is_held_or_refused(prefix, value):
    url = prefix + value
    site = make_site(backends=(url,))
    if is_held(make_site(backends=("http://127.0.0.1",)), site):
        targets = [words[2] for words in render(site) if words[:2] == ["ProxyPass", "/"]]
        assert targets == [url.rstrip("/") + "/"]


@given(path=st.one_of(PATHS, ANYTHING), target=st.one_of(PATHS, ANYTHING))
def test_a_redirect_is_held_or_refused(path, target):
    site = make_site(locations=(Location(path, redirect_to=target),))
    if path != "/" and is_held(make_site(locations=(Location("/a", redirect_to="/b"),)), site):
        (rule,) = [words for words in render(site) if words[0] == "RewriteRule" and words[-1].endswith("QSD]")]
        assert re.fullmatch(rule[1], path)
        assert re.sub(r"\\(.)", r"\1", rule[2]) == target


@given(path=st.one_of(PATHS, ANYTHING), root=st.one_of(PATHS, ANYTHING))
def test_a_folder_below_a_path_is_held_or_refused(path, root):
    site = make_site(locations=(Location(path, root=root),))
    if path != "/" and is_held(make_site(locations=(Location("/a", root="/b"),)), site):
        (alias,) = [words for words in render(site) if words[0] == "AliasMatch"]
        assert re.fullmatch(alias[1], path + "rest").group(1) == path + "rest"
        assert re.sub(r"\\(.)", r"\1", alias[2]) == root.rstrip("/") + "$1"


@given(value=st.one_of(PATHS, ANYTHING))
def test_a_php_socket_is_held_or_refused(value):
    site = make_site(locations=(Location("/a", php=value),))
    if is_held(make_site(locations=(Location("/a", php="/b"),)), site):
        told = f"proxy:unix:{value}|fcgi://localhost" if value.startswith("/") else f"proxy:fcgi://{value}"
        assert values_of("SetHandler", site) == {told}


@given(value=st.one_of(PATHS, ANYTHING))
def test_a_health_path_is_held_or_refused(value):
    backends = ("http://127.0.0.1:1", "http://127.0.0.1:2")
    site = make_site(backends=backends, health_path=value)
    if is_held(make_site(backends=backends, health_path="/a"), site):
        members = [words for words in render(site) if words[0] == "BalancerMember"]
        assert [words[-1] for words in members] == [f"hcuri={value}"] * 2


@given(value=ANYTHING)
def test_a_network_is_held_or_refused(value):
    settings = ServerSettings(trusted_proxies=(value,))
    if not LANGUAGE.complaints([make_site()], settings):
        assert values_of("RemoteIPInternalProxy", make_site(), settings) == {value}


@pytest.mark.parametrize(
    "site",
    [
        make_site(names=("-----BEGIN PRIVATE KEY-----\nMIIabc",)),
        make_site(root="/x\nMIIabc"),
        make_site(backends=("http://user:MIIabc@127.0.0.1",)),
        replace(make_site(), key="-----BEGIN PRIVATE KEY-----MIIabc"),
        make_site(locations=(Location("/\nMIIabc", php="-----BEGIN MIIabc"),)),
    ],
)
def test_what_may_be_a_secret_is_refused_and_not_repeated(site):
    complaints = LANGUAGE.complaints([site], ServerSettings())
    assert complaints
    assert "MIIabc" not in "".join(complaints)
