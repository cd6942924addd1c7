# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names are brought into one form, wildcards cover one label, and nothing becomes a path that should not."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_covered, normalise_name, normalise_site


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("WWW.Example.COM", "www.example.com"),
        ("www.example.com.", "www.example.com"),
        ("*.Example.com", "*.example.com"),
        ("localhost", "localhost"),
        ("_sip.example.com", "_sip.example.com"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("faß.de", "xn--fa-hia.de"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        (" www.example.com ", "www.example.com"),
        (".".join(["a" * 63] * 3 + ["a" * 61]), ".".join(["a" * 63] * 3 + ["a" * 61])),
    ],
)
def test_names_have_one_form(given, normal):
    assert normalise_name(given) == normal


@pytest.mark.parametrize(
    "given",
    [
        "",
        ".",
        "a..b",
        "a b",
        "a/b",
        "*",
        "*.com",
        "*.a b.com",
        ".".join(["a" * 63] * 3 + ["a" * 62]),
        "www.*.com",
        "w*.example.com",
        "-a.com",
        "a-.com",
        "a\nb",
        "a" * 64,
        "fe80::1%eth0",
        ".".join(["a" * 60] * 5),
        "http://example.com",
        "example.com:443",
    ],
)
def test_what_is_no_name_is_refused(given):
    with pytest.raises(RequestError) as refused:
        normalise_name(given)
    assert refused.value.message == (
        f"{given!r} is neither a host name such as www.example.com, nor a wildcard such as *.example.com, nor an IP "
        "address"
    )


@pytest.mark.parametrize(
    ("given", "normal"),
    [("Example.com", "example.com"), ("main_site", "main_site"), ("bücher.example", "xn--bcher-kva.example")],
)
def test_a_site_is_a_directory(given, normal):
    assert normalise_site(given) == normal


@pytest.mark.parametrize(
    "given",
    ["", ".", "..", "../etc", "a/b", "*.example.com", ".hidden", "a..b", "-x", "a\n", "a\0", "2001:db8::1", "x" * 201],
)
def test_a_site_is_never_a_path(given):
    with pytest.raises(RequestError) as refused:
        normalise_site(given)
    assert refused.value.message.startswith(f"name {given!r} cannot be a directory's name: ")


@pytest.mark.parametrize(
    ("name", "held", "covered"),
    [
        ("www.example.com", ["www.example.com"], True),
        ("www.example.com", ["*.example.com"], True),
        ("a.b.example.com", ["*.example.com"], False),
        ("example.com", ["*.example.com"], False),
        ("*.example.com", ["*.example.com"], True),
        ("*.example.com", ["www.example.com"], False),
        ("*.b.example.com", ["*.example.com"], False),
        ("192.0.2.1", ["192.0.2.1"], True),
        ("192.0.2.1", ["*.0.2.1"], False),
        ("localhost", ["*."], False),
    ],
)
def test_a_wildcard_covers_one_label(name, held, covered):
    assert is_covered(name, set(held)) is covered
