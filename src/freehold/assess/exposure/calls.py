# SPDX-License-Identifier: Apache-2.0
"""A call in any of the languages: what is called, what it is given, and what name its result gets. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from ast_grep_py import SgNode

_MOST_BARE: Final = 120  # characters of a call without arguments
MOST_CHARACTERS: Final = 4000  # of a call that are looked at
_ARGUMENTS: Final = frozenset({"argument_list", "arguments", "call_suffix", "value_arguments"})
_ASSIGNMENTS: Final = frozenset(
    {
        *("assignment", "variable_declarator", "short_var_declaration", "let_declaration", "assignment_expression"),
        *(
            "property_declaration",
            "named_expression",
            "assignment_statement",
            "public_field_definition",
            "field_declaration",
        ),
    }
)
_TARGET: Final = re.compile(r"^(?:(?:let|const|var|val|mut|final|private|public|readonly|lateinit)\s+)*([@$\w.]+)")
KEYWORD: Final = re.compile(r"""["']?\b(\w+)["']?\s*(?:=(?![=>])|:(?!:)|=>)\s*""")
_CHAINS: Final = frozenset(
    {
        "method_invocation",
        "field_expression",
        "call_expression",
        "member_access_expression",
        "invocation_expression",
        "navigation_expression",
        "member_call_expression",
        "attribute",
        "call",
        "member_expression",
        "try_expression",
        "await_expression",
    }
)
_TYPE_PARAMETERS: Final = re.compile(r"<[^<>]*>")
_BEFORE_CALL: Final = re.compile(r"^(?:await|return|yield|\\|@)+")
_COMMENT: Final = re.compile(r"(?m)(?:^|(?<=\s))(?://|#).*$|/\*.*?\*/")


def all_of(root: SgNode, kinds: tuple[str, ...]) -> list[SgNode]:
    if not kinds:
        return []
    return root.find_all(kind=kinds[0]) if len(kinds) == 1 else root.find_all(any=[{"kind": kind} for kind in kinds])


def span_of(node: SgNode) -> tuple[int, int]:
    extent = node.range()
    return extent.start.index, extent.end.index


def parts_of(node: SgNode) -> tuple[str, str]:
    """What is called, as names and dots, and what it is given."""
    text = node.text()[:MOST_CHARACTERS]
    arguments = next((child for child in reversed(node.children()) if child.kind() in _ARGUMENTS), None)
    if arguments is None:  # Ruby: a call without anything given
        return (_plain(text), "") if len(text) < _MOST_BARE else ("", "")
    start = arguments.range().start.index - node.range().start.index
    callee = _plain(text[:start])
    if node.kind() == "object_creation_expression" or node.kind() == "new_expression":
        callee = callee.removeprefix("new")
    given = text[start:].lstrip("(")
    return callee, given + _chained(node)


def _chained(node: SgNode) -> str:
    """What is called on the result at once, as builders are: ``.baseUrl("...").build()``."""
    parent = node.parent()
    top = node
    for _ in range(12):
        if parent is None or parent.kind() not in _CHAINS:
            break
        top, parent = parent, parent.parent()
    if top is node:
        return ""
    after = top.range().end.index - node.range().end.index
    return top.text()[len(top.text()) - after :][:MOST_CHARACTERS] if after > 0 else ""


def _plain(callee: str) -> str:
    """Names and dots: without white space, arguments, subscripts and type parameters."""
    kept, depth = [], 0
    for character in callee:
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif depth == 0 and not character.isspace():
            kept.append(character)
    text = "".join(kept)
    if "<" in text:
        text = _TYPE_PARAMETERS.sub("", text.replace("->", "."))
    text = text.replace("?.", ".").replace("!.", ".").replace("->", ".").replace("::", ".")
    return _BEFORE_CALL.sub("", text).replace("$", "").strip(".")


def ends_of(callee: str, most: int = 3) -> Iterator[str]:
    """The last names of a chain, the longest run of them first."""
    parts = callee.split(".")
    for number in range(min(most, len(parts)), 0, -1):
        yield ".".join(parts[-number:])


def assigned_to(node: SgNode) -> str:
    """The name that a call's result gets; empty if none."""
    above: SgNode | None = node
    for _ in range(8):
        above = above.parent() if above is not None else None
        if above is None:
            return ""
        if above.kind() in _ASSIGNMENTS:
            text = above.text()[:200]
            if above.kind() == "field_declaration" or above.kind() == "property_declaration":
                names = re.findall(r"(\w+)\s*(?::[^=]+)?=", text)
                return names[0] if names else ""
            target = _TARGET.match(text.removeprefix("let ").removeprefix("mut "))
            return target[1].replace("$", "").lstrip("@") if target else ""
        if above.kind() in ("with_item", "as_pattern") and (match := re.search(r"\bas\s+(\w+)", above.text()[-80:])):
            return match[1]
        if above.kind() in ("block", "function_definition", "module", "program", "class_body", "statement_block"):
            return ""
    return ""


def declaring(node: SgNode) -> SgNode:
    """The declaration around ``require(...)``, for the names that it binds."""
    above: SgNode | None = node
    for _ in range(3):
        above = above.parent() if above is not None else None
        if above is not None and above.kind() == "variable_declarator":
            return above
    return node


def fields_of(arguments: str) -> tuple[str, ...]:
    """The names of what a call is given, and not of what lies within: keywords, or the fields of its one object."""
    within = arguments.lstrip()[:1] in ("{", "[") or re.match(r"\s*\w+:\s*[{\[]", arguments) is not None
    flat, depth = [], 0
    arguments = _COMMENT.sub("", arguments)
    for character in re.sub(r"""(["'`])(?:\\.|(?!\1).)*\1""", _quoted_name, arguments):
        if character in ")]}":
            depth -= 1
            if depth < 0:
                break
        if depth == within:
            flat.append(character)
        depth += character in "([{"
    return tuple(sorted(set(KEYWORD.findall("".join(flat)))))


def _quoted_name(quoted: re.Match[str]) -> str:
    """A string that may be the name of a field; any other is empty."""
    inner = quoted[0][1:-1]
    return inner if re.fullmatch(r"\w+", inner) else "''"


def masked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with the spans blanked, line for line."""
    kept, at = [], 0
    for start, end in sorted(spans):
        if start >= at:
            kept.append(text[at:start])
            kept.append(re.sub(r"[^\n]", " ", text[start:end]))
            at = end
    kept.append(text[at:])
    return "".join(kept)
