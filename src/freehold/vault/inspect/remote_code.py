# SPDX-License-Identifier: Apache-2.0
"""Finds where a model's JSON asks for Python of its own: keys by which loaders import code that came with it."""

from collections.abc import Iterator

from freehold.vault.inspect.documents import Node, tables
from freehold.vault.inspect.findings import Finding, Severity, shown

_KEYS = frozenset({"auto_map", "custom_pipelines", "custom_generate", "trust_remote_code", "_target_"})
_SENTENCE_TRANSFORMERS = "sentence_transformers."


def find_remote_code(document: Node, path: str) -> Iterator[Finding]:
    """A refusal for every place at which the document leads to code."""
    are_modules = path.rpartition("/")[2] == "modules.json"
    for place, table in tables(document):
        for key in sorted(_KEYS & table.keys()):
            if table[key] not in (None, False, {}, [], ""):
                yield _refusal(path, place, key, f"{key!r} makes a loader run Python that comes with the model")
        if are_modules and not _is_known_module(table.get("type")):
            module = shown(str(table.get("type")))
            yield _refusal(path, place, "type", f"{module!r} makes a loader import a Python module of that name")


def _is_known_module(node: Node) -> bool:
    """sentence-transformers imports whatever modules.json names."""
    return isinstance(node, str) and node.startswith(_SENTENCE_TRANSFORMERS)


def _refusal(path: str, place: str, key: str, message: str) -> Finding:
    where = f"{path}, {place}.{key}" if place else f"{path}, {key}"
    return Finding(severity=Severity.REFUSED, rule="remote-code", place=where, message=message)
