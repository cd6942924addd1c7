# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The closed vocabularies of rulesets: each word is known where it has to be, and no other is asked for."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

from ansible_collections.port443.https.plugins.module_utils._netfilter.effects import change
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import WORSE
from ansible_collections.port443.https.plugins.module_utils._netfilter.match import MATCH_FIELDS
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import (
    Effect,
    EffectKind,
    Match,
    MatchField,
    RuleVerdict,
)

SOURCES = Path(__file__).parents[3] / "plugins" / "module_utils"
WORDS = {"field": {*get_args(MatchField)}, "verdict": {*get_args(RuleVerdict), *WORSE}}
OF_OTHERS = ("_pf", "_firewalls/pf", "_probe")  # whose rules and findings have fields and verdicts of their own


def words_asked_for(source):
    """Yields what is compared, line and word where ``x.field`` or ``x.verdict`` is said to be a word or one of some."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute) and node.left.attr in WORDS:
            for part in ast.walk(node.comparators[0]):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield node.left.attr, node.lineno, part.value


def test_every_field_of_a_match_is_in_the_registry_of_match_types():
    assert set(MATCH_FIELDS) == set(get_args(MatchField))


def test_the_docstring_of_a_match_says_what_each_field_is():
    assert [field for field in get_args(MatchField) if field not in Match.__doc__] == []


def test_every_effect_can_be_applied():
    packet = Packet(4, 6)
    assert all(isinstance(change(packet, (Effect(kind, (1, 1), "set"),)), Packet) for kind in get_args(EffectKind))


def test_nobody_compares_a_field_or_a_verdict_with_a_word_that_there_is_not():
    """Mypy sees that of ``==``, not of ``in``."""
    asked = {
        (path.relative_to(SOURCES).as_posix(), line, attribute, word)
        for path in SOURCES.rglob("*.py")
        if not path.relative_to(SOURCES).as_posix().startswith(OF_OTHERS)
        for attribute, line, word in words_asked_for(path.read_text(encoding="utf-8"))
    }
    assert len(asked) > 50
    assert sorted(one for one in asked if one[3] not in WORDS[one[2]]) == []


def test_a_misspelled_word_is_found():
    source = "def f(rule):\n    return rule.verdict in ('drop', 'rejct')\n"
    assert [found for found in words_asked_for(source) if found[2] not in WORDS["verdict"]] == [("verdict", 2, "rejct")]
