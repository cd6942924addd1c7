# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random files: what is put in comes out to the byte, and putting it in twice is putting it in once."""

from __future__ import annotations

import random

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.outline import outline
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.scan import scan
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.sources import NftSources
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.text import (
    JumpText,
    TableText,
    with_ours,
    without_ours,
)
from random_nft_files import make_file

CHAIN, PATH = "port443-https", "/etc/nftables.conf"


def random_set(text, seed):
    """One or two jumps in the table inet filter, each before some rule of some chain or behind the last."""
    chance = random.Random(seed)
    made = outline(scan(text))
    chains = sorted(name for name in made.chains if name[:2] == ("inet", "filter"))
    jumps = {}
    for _jump in range(chance.randint(1, 2)):
        name = chance.choice(chains)
        jumps[name[2], chance.randint(0, len(made.rules.get(name, ())))] = chance.choice(
            (f"jump {CHAIN}", f"tcp dport {{ 80, 443 }} jump {CHAIN}")
        )
    rules = ("tcp dport { 80, 443 } accept", "udp dport 443 accept")[: chance.randint(1, 2)]
    return TableText(("inet", "filter"), rules, tuple(JumpText(*place, said) for place, said in jumps.items()))


@pytest.mark.parametrize("start", range(0, 1000, 250))
def test_the_bytes_come_back_and_twice_is_once(start):
    for seed in range(start, start + 250):
        text = make_file(seed)
        wanted = random_set(text, seed)
        before = NftSources(PATH, {PATH: text.encode()})
        written = with_ours(before, CHAIN, [wanted])
        assert written != before, seed
        assert without_ours(written, CHAIN).text(PATH) == text, f"seed {seed}:\n{text}\n-----\n{written.text(PATH)}"
        again = with_ours(without_ours(written, CHAIN), CHAIN, [wanted])
        assert again == written, seed
