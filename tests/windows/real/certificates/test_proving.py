# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is shown at the places of bindings, in real handshakes of the script that ships with a played http.sys.

Proves the client's side, the decision what may be shown, and that the old certificate is back where the new one is not
shown. That http.sys shows what its registry says is played.
"""

from __future__ import annotations

import pytest
from played_certificates import FOREIGN, NAME, OURS, at, certificates, ours, thumbprint, values
from played_http_sys import HttpSys

ONE, TWO, *_OTHERS, EC = certificates().values()


@pytest.fixture
def port(host):
    """The port at which the played http.sys listens, on both versions of IP."""
    with HttpSys(host.windows, (*certificates().values(), FOREIGN)).listening() as port:
        yield port


def test_each_place_is_asked_and_shows_the_certificate(host, port):
    bindings = [{"port": port}, {"port": port, "sni": NAME}]
    foretold = host.run(EC, check=True, bindings=bindings)
    done = host.run(EC, bindings=bindings)
    assert (done["served"], done["served_because"]) == ("yes", "")
    assert [(one["address"], one["server_name"], one["fingerprint"]) for one in done["seen"]] == [
        ("127.0.0.1", "", EC.sha256()),
        ("::1", "", EC.sha256()),
        ("127.0.0.1", NAME, EC.sha256()),
    ]
    assert foretold["served"] == "yes"
    again = host.run(EC, bindings=bindings)
    assert (again["changed"], again["served"], host.executions) == (False, "yes", 1)


def test_where_nothing_listens_the_pair_is_installed_and_not_served(host):
    done = host.run(ONE, bindings=[{"port": 8443}])
    assert (done["changed"], done["served"]) == (True, "no")
    assert done["served_because"] == "nothing listens at ipport=0.0.0.0:8443, ipport=[::]:8443"


def test_without_a_binding_it_is_not_served(host):
    done = host.run(ONE)
    assert (done["changed"], done["served"], done["served_because"]) == (
        True,
        "no",
        "no binding of http.sys carries it",
    )


def test_without_proof_nobody_is_asked(host, port):
    done = host.run(ONE, prove=False, bindings=[{"port": port}])
    assert (done["changed"], done["served"], done["seen"]) == (True, "unknown", [])


def test_a_service_that_goes_on_showing_the_old_certificate_has_all_taken_back(host, port):
    place = f"0.0.0.0:{port}"
    host.windows.reset({place: values(ONE, OURS)})
    host.put(ONE, name=ours(ONE))
    before = host.whole()
    bound = {place: thumbprint(ONE)}
    host.windows.bound = lambda: bound  # whatever its registry says
    done = host.run(TWO, keep=1)
    del host.windows.bound
    assert done.get("failed"), done
    assert f"the certificate {thumbprint(ONE)} is shown" in done["msg"]
    assert host.whole() == before
    assert host.windows.bound() == bound


def test_another_program_at_the_place_is_told_and_no_failure(host, port):
    host.windows.bound = lambda: {f"[::]:{port}": thumbprint(FOREIGN)}
    done = host.run(ONE, bindings=[{"port": port, "address": "::"}])
    del host.windows.bound
    assert (done["changed"], done["served"]) == (True, "other")
    assert done["served_because"] == f"ipport=[::]:{port} shows {thumbprint(FOREIGN)}"


def test_an_address_that_may_answer_before_a_name_is_told(host):
    done = host.run(ONE, bindings=[{"port": 8443}, {"port": 8443, "sni": NAME}])
    assert done["warnings"][-1] == (
        f"ipport=0.0.0.0:8443 may answer before hostnameport={NAME}:8443, whatever name a client asks for"
    )
    assert at(ONE) in host.stored()
