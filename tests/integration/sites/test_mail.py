# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One certificate for a site and for Debian's Postfix and Dovecot, proved at their ports by STARTTLS and TLS."""

from __future__ import annotations

import hashlib
import imaplib
import poplib
import shutil
import smtplib
import ssl
import time

import pytest
from served_sites import pair, served_sites

MAIL = "mail.example"
CURRENT = f"/etc/port443/{MAIL}/current"
DOVECOT = """
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{0}/fullchain.pem
ssl_key = <{0}/privkey.pem
log_path = /var/log/dovecot-of-a-test
passdb {{
  driver = static
  args = nopassword=y
}}
"""
POSTFIX = """
postconf -e 'inet_interfaces = 127.0.0.1' 'inet_protocols = ipv4' 'mydestination =' 'smtpd_tls_security_level = may'
postconf -e 'smtpd_tls_cert_file =' 'smtpd_tls_key_file =' 'maillog_file = /var/log/mail-of-a-test'
postconf -e "smtpd_tls_chain_files = $1/privkey.pem, $1/fullchain.pem"
postconf -M 'smtps/inet = smtps inet n - n - - smtpd'
postconf -P 'smtps/inet/smtpd_tls_wrappermode = yes'
postfix start >out 2>&1 || { cat out; exit 1; }
"""
pytestmark = pytest.mark.skipif(
    shutil.which("postfix", path="/usr/sbin:/usr/bin") is None
    and shutil.which("sendmail", path="/usr/sbin") is not None,
    reason="another mail server is installed, whose place Postfix would take",
)


def mail(number=1, **own):
    return {"name": MAIL, "proxy_pass": ["http://127.0.0.1:8081"], **pair(MAIL, number), **own}


ALSO = {"also_reload": ["postfix", "dovecot"]}


def shown():
    """The certificate that each port shows, asked by Python's own clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    found = {}
    smtp = smtplib.SMTP("127.0.0.1", 25, timeout=10)
    smtp.starttls(context=context)
    imap = imaplib.IMAP4("127.0.0.1", 143, timeout=10)
    imap.starttls(context)
    pop = poplib.POP3("127.0.0.1", 110, timeout=10)
    pop.stls(context)
    found.update({25: smtp.sock, 143: imap.sock, 110: pop.sock})
    found[465] = smtplib.SMTP_SSL("127.0.0.1", 465, timeout=10, context=context).sock
    found[993] = imaplib.IMAP4_SSL("127.0.0.1", 993, timeout=10, ssl_context=context).sock
    found[995] = poplib.POP3_SSL("127.0.0.1", 995, timeout=10, context=context).sock
    answers = {port: hashlib.sha256(sock.getpeercert(True)).hexdigest() for port, sock in found.items()}
    for sock in found.values():
        sock.close()
    return answers


def start(machine, pair_of_dovecot=CURRENT):
    (machine.folder / "dovecot.conf").write_text(DOVECOT.format(pair_of_dovecot))
    for script in ("cp dovecot.conf /etc/dovecot/dovecot.conf; dovecot >out 2>&1", POSTFIX):
        ended = machine.run("sh", "-euc", script, "sh", CURRENT)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    deadline = time.monotonic() + 20
    while True:
        try:
            return shown()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture
def sites(tmp_path, collections_path):
    with served_sites("nginx", tmp_path, collections_path) as served:
        yield served
        served.machine.run("sh", "-c", "postfix stop; doveadm stop")


def ports_of(made):
    (site,) = made["sites"]
    return {
        also["service"]: (also["served"], sorted({place["port"] for place in also["places"] if place["fingerprint"]}))
        for also in site["also"]
    }


def test_mail_servers_take_up_the_certificate_of_a_site(sites):
    refused = sites.run(mail(**ALSO))
    assert "also_reload: Postfix listens at none of the ports 25, 465, 587: start it first" in refused["msg"], refused
    first = sites.run(mail())["sites"][0]["fingerprint"]
    assert set(start(sites.machine).values()) == {first}
    served = {"postfix": ("yes", [25, 465]), "dovecot": ("yes", [110, 143, 993, 995])}
    for check in (True, False):
        same = sites.run(mail(**ALSO), check=check)
        assert (same["changed"], ports_of(same)) == (False, served), same
    checked = sites.run(mail(2, **ALSO), check=True)
    assert (checked["changed"], set(shown().values())) == (True, {first}), checked
    made = sites.run(mail(2, **ALSO))
    assert (made["changed"], ports_of(made)) == (True, served), made
    told = ["nginx -t", "postfix check", "doveconf -n", "nginx -s reload", "postfix reload", "doveadm reload"]
    assert [made["commands"], checked["commands"]] == [told, told]
    second = made["sites"][0]["fingerprint"]
    assert second != first
    assert set(shown().values()) == {second}
    again = sites.run(mail(2, **ALSO))
    assert (again["changed"], again["commands"]) == (False, []), again


def test_a_mail_server_that_serves_another_certificate_has_all_taken_back(sites):
    sites.run(mail(), {"name": "other.example", "proxy_pass": ["http://127.0.0.1:8081"], **pair("other.example", 3)})
    old = start(sites.machine, "/etc/port443/other.example/current")
    assert (old[25], old[25] != old[143]) == (old[465], True)
    before = sites.files()
    refused = sites.run(mail(2, **ALSO), prove_timeout=3)
    assert "Dovecot does not serve the certificate of mail.example: 127.0.0.1:110 serves sha256:" in refused["msg"], (
        refused
    )
    assert f"have ssl_cert name {CURRENT}/fullchain.pem" in refused["msg"]
    assert "all files and pairs are as they were, and what was served before is served again" in refused["msg"]
    assert (shown(), sites.files()) == (old, before)


def test_what_a_mail_servers_own_test_refuses_is_not_reloaded(sites):
    sites.run(mail())
    old = start(sites.machine)
    sites.machine.run("sh", "-c", "echo 'nonsense = yes' >>/etc/dovecot/dovecot.conf")
    before = sites.files()
    refused = sites.run(mail(2, **ALSO))
    assert "'doveconf -n' failed" in refused["msg"], refused
    assert "nonsense" in refused["msg"], refused
    assert (shown(), sites.files()) == (old, before)
