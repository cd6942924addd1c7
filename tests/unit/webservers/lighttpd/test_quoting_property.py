# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever a user gives is refused, or reaches the file as exactly that value and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.grammar import (
    Conditional,
    find_unquotable,
    parse,
    quote,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.read_blocks import read_blocks
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.regex import (
    escape,
    fits,
    read_names,
    write_name,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, ServerSettings
from hypothesis import given
from hypothesis import strategies as st
from lighttpd_golden import BUILD, DEBIAN, DEBIANS, LANGUAGE, make_site
from memory_files import MemoryFiles

HOSTILE = st.text(
    st.sampled_from("abz/.:-_*[]()\"'`\\ ;{}$%#<>&?~^|=,!@+\n\r\t\0\x7f\u00a0\u00e9\u2028"), min_size=1, max_size=12
)
ANYTHING = st.one_of(HOSTILE, st.text(min_size=1, max_size=12), st.just("a" * 9000))
PATHS = ANYTHING.map(lambda text: "/" + text)
SETTINGS = ServerSettings()


def read(site, settings=SETTINGS):
    """What is set by the files that the site makes, block by block: (conditions, option -> value)."""
    files = MemoryFiles(DEBIANS)
    rendered = LANGUAGE.render([site], (), settings, BUILD, DEBIAN, LANGUAGE.read(files, DEBIAN), files)
    texts = [file.text for file in rendered]
    blocks = read_blocks("/main", lambda path: [(path, text) for text in texts], {"server.modules": ()})
    return [(block.conditions, block.values) for block in blocks]


def is_held(plain, site, settings=SETTINGS):
    """Whether the site is refused; else it has to set the very options that one with harmless values sets."""
    if LANGUAGE.complaints([site], settings):
        return False
    shapes = [
        [([(one.variable, one.operator) for one in conditions], sorted(values)) for conditions, values in found]
        for found in (read(site, settings), read(plain))
    ]
    assert shapes[0] == shapes[1]
    return True


def values_of(option, site, settings=SETTINGS):
    return [values[option] for _conditions, values in read(site, settings) if option in values]


@given(ANYTHING)
def test_a_quoted_value_is_read_as_what_it_was(value):
    if not find_unquotable(value):
        (one, two) = parse(f'a = {quote(value)}\nb = "x"', "here")
        assert ([part.value for part in one.value.parts], two.key) == ([value], "var.b")


@given(ANYTHING)
def test_an_escaped_expression_fits_its_text_alone(value):
    pattern = escape(value)
    assert '"' not in pattern
    assert re.fullmatch(pattern, value)
    assert not re.fullmatch(pattern, value + "x")
    assert not re.fullmatch(pattern, "x" + value[1:]) or value[0] == "x"


@given(st.lists(st.from_regex(r"\A(\*\.)?[a-z0-9_-]{1,9}(\.[a-z0-9_-]{1,9}){1,2}\Z"), min_size=1, max_size=4))
def test_names_are_read_back_from_their_expression(names):
    pattern = f"^({'|'.join(map(write_name, names))})(?::[0-9]+)?$"
    assert read_names(pattern) == tuple(names)
    assert all(fits(pattern, f"{name.replace('*', 'x')}{port}") for name in names for port in ("", ":8443"))


@pytest.mark.parametrize(
    ("option", "directive", "more"),
    [
        ("certificate", "ssl.pemfile", {}),
        ("key", "ssl.privkey", {}),
        ("root", "server.document-root", {}),
        ("client_ca", "ssl.verifyclient.ca-file", {"client_verification": "required"}),
        ("users_file", "auth.backend.htpasswd.userfile", {}),
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
        assert values_of("server.document-root", make_site(), settings).count(value) == 1


@given(value=ANYTHING)
def test_a_name_is_held_or_refused(value):
    site = make_site(names=("www.example.com", value))
    if is_held(make_site(names=("www.example.com", "b.example.com")), site):
        hosts = [one for conditions, _values in read(site) for one in conditions if one.variable == "HTTP host"]
        (pattern,) = {one.text for one in hosts if one.operator == "=~"}
        assert read_names(pattern) == tuple(sorted(site.names, key=lambda name: name.startswith("*.")))


@pytest.mark.parametrize("prefix", ["", "http://127.0.0.1:8080/", "http://"])
@given(value=ANYTHING)
def test_a_backend_is_held_or_refused(prefix, value):
    url = prefix + value
    site = make_site(backends=(url,))
    if is_held(make_site(backends=("http://127.0.0.1",)), site):
        ((_any, ((_none, host),)),) = values_of("proxy.server", site)[0]
        place, port, path = re.fullmatch(r"http://([^/]*?)(?::([0-9]+))?(/.*)?", url).groups()
        assert dict(host) == {"host": place.strip("[]"), "port": str(int(port or 80))}
        headers = dict(values_of("proxy.header", site)[0])
        assert headers.get("map-urlpath") == (path and (("/", path.rstrip("/") + "/"),))


@given(path=st.one_of(PATHS, ANYTHING), target=st.one_of(PATHS, ANYTHING))
def test_a_redirect_is_held_or_refused(path, target):
    site = make_site(locations=(Location(path, redirect_to=target),))
    if path != "/" and is_held(make_site(locations=(Location("/a", redirect_to="/b"),)), site):
        found = [one for one in read(site) if one[0] and one[0][-1].variable == "HTTP url" and "url.redirect" in one[1]]
        ((conditions, values),) = found
        assert re.fullmatch(conditions[-1].text, path)
        assert re.sub(r"([$%])\1", r"\1", values["url.redirect"][0][1]) == target


@given(path=st.one_of(PATHS, ANYTHING), root=st.one_of(PATHS, ANYTHING))
def test_a_folder_below_a_path_is_held_or_refused(path, root):
    site = make_site(locations=(Location(path, root=root),))
    if path != "/" and is_held(make_site(locations=(Location("/a", root="/b"),)), site):
        places = {
            conditions[-1].text: values["server.document-root"]
            for conditions, values in read(site)
            if conditions and conditions[-1].variable == "HTTP url" and "mimetype.assign" not in values
        }
        ((pattern, found),) = places.items()
        assert (bool(re.match(pattern, path + "rest")), found) == (True, root)


@given(value=st.one_of(PATHS, ANYTHING))
def test_a_php_socket_is_held_or_refused(value):
    site = make_site(locations=(Location("/a", php=value),))
    plain = "/b" if value.startswith("/") else "127.0.0.1:9000"
    if is_held(make_site(locations=(Location("/a", php=plain),)), site):
        ((_end, ((_none, host),)),) = values_of("fastcgi.server", site)[0]
        where = dict(host)
        if value.startswith("/"):
            assert where == {"socket": value}
        else:
            assert f"{where['host']}:{where['port']}" == re.sub(r"[\[\]]", "", value)


@given(value=ANYTHING)
def test_a_network_is_held_or_refused(value):
    settings = ServerSettings(trusted_proxies=(value,))
    if not LANGUAGE.complaints([make_site()], settings):
        assert set(values_of("extforward.forwarder", make_site(), settings)) == {((value, "trust"),)}


@given(st.lists(st.one_of(ANYTHING, st.sampled_from(["}", "{", "(", ")", '"', 'a.b = "c"', "else", "$"])), max_size=4))
def test_lines_of_a_user_stay_in_their_block_or_are_refused(lines):
    site = make_site(directives=lines, locations=(Location("/a", directives=tuple(lines)),) if lines else ())
    if LANGUAGE.complaints([site], SETTINGS):
        return
    files = MemoryFiles(DEBIANS)
    (_shared, file) = LANGUAGE.render([site], (), SETTINGS, BUILD, DEBIAN, LANGUAGE.read(files, DEBIAN), files)
    statements = parse(file.text, file.path)
    assert [type(one) for one in statements] == [Conditional, Conditional]
    inner = [branch for one in statements for branch in one.branches]
    assert [branch.variable for branch in inner] == ["SERVER socket", "SERVER socket"]
    assert [len(branch.body) for branch in inner] == [1, 1]


@pytest.mark.parametrize(
    "site",
    [
        make_site(names=("-----BEGIN PRIVATE KEY-----\nMIIabc",)),
        make_site(root="/x\nMIIabc"),
        make_site(backends=("http://user:MIIabc@127.0.0.1",)),
        replace(make_site(), key="-----BEGIN PRIVATE KEY-----MIIabc"),
        make_site(locations=(Location("/\nMIIabc", php="-----BEGIN MIIabc"),)),
        make_site(directives=("-----BEGIN PRIVATE KEY-----", "MIIabc")),
    ],
)
def test_what_may_be_a_secret_is_refused_and_not_repeated(site):
    complaints = LANGUAGE.complaints([site], ServerSettings())
    assert complaints
    assert "MIIabc" not in "".join(complaints)
