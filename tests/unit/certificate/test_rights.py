# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where rights are missing, the message names the place, and what would work."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.port443.https.plugins.module_utils import _errors
from ansible_collections.port443.https.plugins.module_utils._certificate import inventory
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, describe_os_error
from ansible_collections.port443.https.plugins.modules.certificate_info import OPTIONS, complete


@pytest.mark.parametrize(
    ("number", "user", "hint"),
    [(errno.EACCES, 1000, True), (errno.EPERM, 1000, True), (errno.EACCES, 0, False), (errno.ENOSPC, 1000, False)],
)
def test_become_is_named_where_it_may_help(monkeypatch, number, user, hint):
    monkeypatch.setattr(_errors.os, "geteuid", lambda: user)
    said = os.strerror(number)
    assert describe_os_error(OSError(number, said)) == said + ("; if that takes root, use become: true" if hint else "")


def test_a_report_names_the_folder_of_what_it_may_not_read(monkeypatch, safe_folder):
    def refuse(_folder, _site):
        raise PermissionError(errno.EACCES, "Permission denied", "privkey.pem")

    monkeypatch.setattr(inventory.store, "observe", refuse)
    options = {name: option.get("default") for name, option in OPTIONS.items()}
    request = _request.parse(complete({**options, "directory": str(safe_folder)}))
    with pytest.raises(HostError) as raised:
        inventory.list_sites(request, ("shop.example.com",), None, 0)
    assert raised.value.message.startswith(f"{safe_folder} (privkey.pem): Permission denied")
