# SPDX-License-Identifier: Apache-2.0
"""Rules as Cedar reads them: from the text of files to syntax trees, each with its file and line.

Every rule has an ``@id`` of its own, which is what a decision names it by. A template is refused: it decides nothing.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cedarpy
from cedarpy import pst

from freehold.contract.law import RuleFile
from freehold.policy.text import Piece, invalid, pieces

DEFAULT_DENY = "default-deny"  # on record where no rule permits
POLICY_ERROR = "policy-error"  # on record where a rule could not be evaluated

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_TAKEN = frozenset({DEFAULT_DENY, POLICY_ERROR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. ``says`` is what it says in plain words; empty: it does not say so itself."""

    id: str
    effect: pst.Effect
    says: str
    file: str
    line: int
    text: str
    tree: pst.Template


def read_rules(files: Iterable[RuleFile]) -> tuple[Rule, ...]:
    """Every rule, in the order of the files. Raises PolicyInvalid for the first that is none."""
    rules: dict[str, Rule] = {}
    for rule in (rule for file in files for rule in rules_of(file)):
        if rule.id in rules:
            first = rules[rule.id]
            raise invalid(rule.file, rule.line, f"@id({rule.id!r}) is taken by {first.file}, line {first.line}")
        rules[rule.id] = rule
    return tuple(rules.values())


def rules_of(file: RuleFile) -> Iterator[Rule]:
    """The rules of one file. Raises PolicyInvalid."""
    for piece in pieces(file):
        yield _rule(file.name, piece)


def _rule(file: str, piece: Piece) -> Rule:
    tree = _tree(file, piece)
    name = tree.annotations.get("id", "")
    if not _ID.fullmatch(name):
        raise invalid(file, piece.line, 'the rule needs a name, such as @id("no-us-authority"): a-z, 0-9 and ._- only')
    if name in _TAKEN:
        raise invalid(file, piece.line, f"@id({name!r}) is what a decision without a rule is called")
    return Rule(
        id=name,
        effect=tree.effect,
        says=" ".join(tree.annotations.get("says", "").split()),
        file=file,
        line=piece.line,
        text=piece.text,
        tree=tree,
    )


def _tree(file: str, piece: Piece) -> pst.Template:
    try:
        parsed = cedarpy.policies_to_pst(piece.text)
    except ValueError as exc:
        raise invalid(file, piece.line, "the rule that begins here is not Cedar, or nested too deeply") from exc
    if parsed.templates or len(parsed.static_policies) != 1:
        raise invalid(file, piece.line, "the rule that begins here is a template, or not one rule")
    (tree,) = parsed.static_policies.values()
    return tree
