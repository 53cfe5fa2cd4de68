# SPDX-License-Identifier: Apache-2.0
"""Types that threads read JSON into are made known to msgspec when their module is loaded, by a Decoder.

msgspec learns a type at its first use, and while one thread has it half learnt another one that uses it ends the whole
process: a supervisor died of it that opened two models at once. A module is loaded by one thread.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "freehold"
IN_THREADS = ("admin", "assess", "continuity", "engine", "ledger", "policy", "tuning", "vault", "witness")
MODULES = sorted(path for room in IN_THREADS for path in (SOURCE / room).rglob("*.py"))
BUILT_IN = {"dict", "list", "tuple", "str", "int", "object", "Any", "msgspec"}  # nothing is learnt of these


def learnt_late(tree: ast.Module) -> Iterator[int]:
    """The lines in which JSON is read into a type that is learnt there."""
    aliases = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and _names(node.value) <= BUILT_IN
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "msgspec.json.decode":
            kinds = [keyword.value for keyword in node.keywords if keyword.arg == "type"]
            yield from (node.lineno for kind in kinds if not _names(kind) <= BUILT_IN | aliases)


def _names(kind: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(kind) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_type_is_learnt_while_threads_run(path: Path) -> None:
    assert list(learnt_late(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("msgspec.json.decode(data, type=Manifest)", [1]),
        ("msgspec.json.decode(data, type=tuple[Manifest, ...])", [1]),
        ("msgspec.json.decode(data, type=dict[str, object])", []),
        ("msgspec.json.decode(data)", []),
        ("_DECODER.decode(data)", []),
    ],
)
def test_the_scan_sees(code: str, lines: list[int]) -> None:
    assert list(learnt_late(ast.parse(code))) == lines
