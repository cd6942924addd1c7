# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A binding of http.sys as text: what of it netsh can write again, and in which words."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate.windows import binding
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from hypothesis import given
from hypothesis import strategies as st

APPLICATION = "7d2b9a54-0f6e-4f2b-9a3c-443044300443"
THUMBPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
FRESH = f"AppId=Binary:549A2B7D6E0F2B4F9A3C443044300443\nSslCertHash=Binary:{THUMBPRINT}"


def test_a_new_binding_names_certificate_and_application_alone():
    assert binding.make_binding(THUMBPRINT, APPLICATION, "My") == FRESH
    assert binding.netsh_words("ipport=0.0.0.0:443", FRESH) == (
        "ipport=0.0.0.0:443",
        f"certhash={THUMBPRINT}",
        f"appid={{{APPLICATION}}}",
    )


def test_a_binding_by_name_or_of_another_store_names_the_store():
    assert "certstorename=MY" in binding.netsh_words("hostnameport=a.example:443", FRESH)
    text = binding.make_binding(THUMBPRINT, APPLICATION, "WebHosting")
    assert "certstorename=WebHosting" in binding.netsh_words("ipport=0.0.0.0:443", text)
    assert (binding.store_of(text), binding.store_of(FRESH)) == ("WebHosting", "MY")


def test_every_setting_has_its_word():
    text = "\n".join(
        (
            FRESH,
            "DefaultFlags=DWord:3",
            "DefaultSslCertCheckMode=DWord:65543",
            "DefaultSslCtlIdentifier=String:A List",
            "DefaultSslCtlStoreName=String:CA",
            "DefaultSslRevocationFreshnessTime=DWord:3600",
            "DefaultSslRevocationUrlRetrievalTimeout=DWord:-1",
        )
    )
    assert binding.netsh_words("ipport=[::]:443", text)[3:] == (
        "verifyclientcertrevocation=disable",
        "verifyrevocationwithcachedclientcertonly=enable",
        "usagecheck=disable",
        "revocationfreshnesstime=3600",
        "urlretrievaltimeout=4294967295",
        "sslctlidentifier=A List",
        "sslctlstorename=CA",
        "dsmapperusage=enable",
        "clientcertnegotiation=enable",
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("DefaultFlags=DWord:4", "DefaultFlags 0x4"),
        ("DefaultFlags=DWord:8192", "DefaultFlags 0x2000"),
        ("DefaultFlags=DWord:-2147483648", "DefaultFlags 0x80000000"),
        ("DefaultFlags=QWord:1", "DefaultFlags"),
        ("DefaultSslCertCheckMode=DWord:4", "DefaultSslRevocationFreshnessTime"),
        ("DefaultSslRevocationFreshnessTime=DWord:5", "DefaultSslRevocationFreshnessTime"),
        ("DefaultSslCertCheckMode=DWord:8", "DefaultSslCertCheckMode 0x8"),
        ("DefaultSslCtlStoreName=String:CA", "DefaultSslCtlStoreName"),
        ("Extended=Binary:00", "Extended"),
    ],
)
def test_what_netsh_could_not_write_again_is_named(line, told):
    with pytest.raises(HostError, match="cannot write again") as problem:
        binding.read_settings("ipport=0.0.0.0:443", f"{FRESH}\n{line}")
    assert problem.value.message.count(told) == 1


@pytest.mark.parametrize("text", ["", "SslCertHash=Binary:00", "AppId=Binary:00\nSslCertHash=Binary:00"])
def test_a_binding_without_its_certificate_or_a_whole_guid_is_refused(text):
    with pytest.raises(HostError):
        binding.read_settings("ccs=443", text)


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 0x1FFFF))
def test_either_every_bit_has_a_word_or_the_binding_is_refused(flags, mode):
    lines = [FRESH]
    lines += [f"DefaultFlags=DWord:{flags}"] if flags else []
    lines += [f"DefaultSslCertCheckMode=DWord:{mode}"] if mode else []
    lines += ["DefaultSslRevocationFreshnessTime=DWord:9"] if mode & 4 else []
    words = 3 + bin(flags).count("1") + bin(mode & ~4).count("1") + bool(mode & 4)
    if flags & ~0x5FFB or mode & ~0x10007:
        with pytest.raises(HostError):
            binding.netsh_words("ipport=0.0.0.0:443", "\n".join(lines))
    else:
        assert len(binding.netsh_words("ipport=0.0.0.0:443", "\n".join(lines))) == words


def test_the_certificate_and_the_application_are_exchanged_and_nothing_else():
    text = f"{FRESH}\nDefaultFlags=DWord:2"
    other, application = THUMBPRINT[::-1], "4dc3e181-e14b-4a21-b022-59fc669b0914"
    assert binding.with_thumbprint(text, other) == text.replace(THUMBPRINT, other)
    changed = binding.with_application(text, application)
    assert (binding.application_of(changed), binding.is_of(changed, application)) == (application, True)
    assert binding.with_application(changed, APPLICATION) == text
    assert binding.thumbprint_of(changed) == THUMBPRINT


def test_words_that_a_host_does_not_know_are_told():
    binding.refuse_unknown_words("x", ["ipport=0.0.0.0:443", "certhash=0"], {"ipport", "certhash"})
    with pytest.raises(HostError, match="does not know disablequic=enable, reject=enable"):
        binding.refuse_unknown_words("x", ["ipport=a", "disablequic=enable", "reject=enable"], {"ipport"})
