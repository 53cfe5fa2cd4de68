# SPDX-License-Identifier: Apache-2.0
"""What a template says by itself: the sentences that it puts before a model without anybody having typed them.

They are shown to whoever approves the model. A long one, a URL, and characters that cannot be seen or that turn the
direction of writing need an approval.
"""

import re
import unicodedata
from collections.abc import Iterator

from jinja2 import nodes

from freehold.vault.inspect.findings import Finding, Severity, shown
from freehold.vault.inspect.templates.parsing import descend

LONG_CHARACTERS = 300
_SENTENCE = re.compile(r"\b[^\W\d_]{2,}+(?:[ ,'-]++[^\W\d_]++){3}")  # four words in a row
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]{1,15}://|\bwww\.)[^\s'\"<>]{1,200}", re.IGNORECASE)
_PLAIN = frozenset(map(chr, range(0x20, 0x7F))) | {"\t", "\r", "\n"}
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5")  # letters that show nothing


def sentences(tree: nodes.Template) -> tuple[str, ...]:
    """The texts in a template that are sentences, each once, in its order."""
    return tuple(dict.fromkeys(text.strip() for text, _ in _texts(tree) if _SENTENCE.search(text)))


def check_wording(tree: nodes.Template, place: str) -> Iterator[Finding]:
    """Long texts and URLs among what a template says."""
    for text, line in _texts(tree):
        where = f"{place}, line {line}"
        if len(text) > LONG_CHARACTERS and _SENTENCE.search(text):
            yield _finding("template.text", where, f"says by itself: {shown(text.strip(), 1000)!r}")
        for url in dict.fromkeys(_URL.findall(text)):
            yield _finding("template.url", where, f"holds the address {shown(url)!r}")


def check_characters(text: str, tree: nodes.Template, place: str) -> Iterator[Finding]:
    """Characters that nobody sees, in all of the source, comments too, and in what its escapes stand for."""
    found: dict[str, list[int]] = {}
    escaped = ((line, said) for said, line in _texts(tree) if said not in text)
    for line, content in (*enumerate(text.split("\n"), start=1), *escaped):
        for character in content:
            if character not in _PLAIN and _is_hidden(character):
                found.setdefault(character, []).append(line)
    for character, lines in found.items():
        turning = character in _TURNING
        what = "turns the direction of writing" if turning else "cannot be seen"
        name = unicodedata.name(character, "without a name")
        yield _finding(
            "template.direction" if turning else "template.invisible",
            f"{place}, line {lines[0]}",
            f"holds U+{ord(character):04X} ({name.lower()}), which {what}, {len(lines)} times",
        )


def _is_hidden(character: str) -> bool:
    category = unicodedata.category(character)
    return category in ("Cf", "Cc", "Co", "Cs", "Cn", "Zl", "Zp") or character in _BLANK or _is_selector(character)


def _is_selector(character: str) -> bool:
    """Variation selectors, by which any text can be written invisibly behind one letter."""
    return "\ufe00" <= character <= "\ufe0e" or "\U000e0100" <= character <= "\U000e01ef"


def _texts(tree: nodes.Template) -> Iterator[tuple[str, int]]:
    for node in descend(tree):
        if isinstance(node, nodes.TemplateData):
            yield node.data, node.lineno
        elif isinstance(node, nodes.Const) and isinstance(node.value, str):
            yield node.value, node.lineno


def _finding(rule: str, place: str, message: str) -> Finding:
    return Finding(severity=Severity.APPROVAL, rule=rule, place=place, message=message)
