# SPDX-License-Identifier: Apache-2.0
"""The text of a file of rules: where each rule begins, and which states its placeholders stand for. Judges nothing."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from freehold.contract.law import RuleFile
from freehold.errors import PolicyInvalid

Groups = Mapping[str, Sequence[str]]  # the states of a group, such as EU, as of one day

_PLACEHOLDER = re.compile(r"\[/\*([A-Z]+(?:\+[A-Z]+)*)\*/\]")
_TOKEN = re.compile(r'//[^\n]*|"(?:[^"\\]|\\.)*"|[(){};\[\]]|[^\s"(){};\[\]/]+|.', re.DOTALL)
_STEP = re.compile(r"&&|\|\||[-+*!<>=]+|\.|\bif\b")
_DEEPEST, _MOST_STEPS = 50, 500  # brackets in brackets, and what else can nest; Cedar's parser bears several times that
_DEEPER, _HIGHER = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One statement of a file, and the line on which it begins."""

    line: int
    text: str


def invalid(file: str, line: int, what: str) -> PolicyInvalid:
    """An error in the one form that they all have."""
    return PolicyInvalid(f"{file}, line {line}: {what}")


def filled(file: RuleFile, groups: Groups) -> RuleFile:
    """The file with each ``[/*EU*/]`` or ``[/*EEA+ADEQUATE*/]`` written out, on its line. Raises PolicyInvalid."""
    for matched in _PLACEHOLDER.finditer(file.text):
        if strange := next((name for name in matched[1].split("+") if name not in groups), None):
            line = _line_at(file.text, matched.start())
            raise invalid(file.name, line, f"there is no group of states {strange!r}; there are {', '.join(groups)}")
    written = _PLACEHOLDER.sub(lambda matched: _written_out(matched[1].split("+"), groups), file.text)
    return replace(file, text=written)


def _written_out(names: Sequence[str], groups: Groups) -> str:
    states = sorted({state for name in names for state in groups[name]})
    # Cedar's validator takes no empty set, so a group without members gets one that is no state
    return json.dumps(states or ["none"])


def pieces(file: RuleFile) -> Iterator[Piece]:
    """Every statement with the semicolon that ends it, if it has one, and without the comments before it.

    Raises PolicyInvalid for one that is nested beyond measure: Cedar's parser would end the process.
    """
    start, depth, steps, text = -1, 0, 0, file.text
    for token in _TOKEN.finditer(text):
        what = token[0]
        if what.isspace() or what.startswith("//"):
            continue
        start = token.start() if start < 0 else start
        depth += (what in _DEEPER) - (what in _HIGHER)
        steps += 0 if what.startswith('"') else len(_STEP.findall(what))
        if depth > _DEEPEST or steps > _MOST_STEPS:
            raise invalid(file.name, _line_at(text, start), "the rule that begins here is nested too deeply")
        if what == ";" and depth <= 0:
            yield Piece(line=_line_at(text, start), text=text[start : token.end()])
            start, depth, steps = -1, 0, 0
    if start >= 0:
        yield Piece(line=_line_at(text, start), text=text[start:])


def _line_at(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
