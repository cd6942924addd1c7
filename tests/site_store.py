# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A store with three pairs to put into it, for the tests that look at it from several sides."""

from __future__ import annotations

import contextlib
import os

import pki
from ansible_collections.port443.https.plugins.module_utils._certificate import store as _store
from ansible_collections.port443.https.plugins.module_utils._host import directory
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_pair

SITE = "www.example.com"
MINE = directory.Access(os.geteuid(), os.getegid(), 0o600)


def make_want(number, access=MINE):
    site = pki.site(number=number)
    pair = read_pair(site.pem(), site.key_pem(), pki.intermediate().pem(), int(pki.NOW.timestamp()))
    return _store.lay_out(pair, access)


FIRST, SECOND, THIRD = make_want(1), make_want(2), make_want(3)


@contextlib.contextmanager
def open_site(folder, relabel=lambda path: None):
    with contextlib.ExitStack() as opened:
        store = opened.enter_context(directory.hold_lock(str(folder), True, 5))
        home = opened.enter_context(directory.open_below(store, SITE, True))
        yield _store.SiteFolder(home, str(folder / SITE), relabel)


def install(folder, want, keep=2):
    with open_site(folder) as site:
        step = site.exchange(want)
        site.prune(keep)
        return step


def observe(folder):
    with directory.open_folder(str(folder)) as store:
        return _store.observe(store, SITE)


def listing(folder):
    return sorted(os.listdir(folder / SITE))
