# SPDX-License-Identifier: Apache-2.0
"""The oracle can convict the product only as long as neither has a line of the other."""

import ast
from pathlib import Path

import pytest

ORACLE = Path(__file__).parent
SOURCE = ORACLE.parents[1] / "src" / "freehold"
ITS_OWN = [path for path in ORACLE.glob("*.py") if not path.name.startswith("test_")]
ALLOWED = {
    "base64",
    "binascii",
    "collections",
    "cryptography",
    "dataclasses",
    "hashlib",
    "json",
    "pathlib",
    "struct",
    "typing",
}


def imports(path: Path) -> set[str]:
    """Every module that a file names in an import, wherever in it the import stands."""
    found = set[str]()
    for statement in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Import):
            found.update(alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            found.add(statement.module or ".")
    return found


@pytest.mark.parametrize("path", ITS_OWN, ids=lambda path: path.stem)
def test_the_oracle_imports_nothing_of_the_product(path: Path) -> None:
    foreign = {name for name in imports(path) if not name.startswith("tests.oracle.")}
    assert {name.partition(".")[0] for name in foreign} <= ALLOWED
    assert not {"__import__", "importlib", "exec", "eval"} & {
        name.id for name in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(name, ast.Name)
    }


def test_the_product_imports_nothing_of_the_tests() -> None:
    named = [path for path in SOURCE.rglob("*.py") if "tests" in path.read_text(encoding="utf-8")]
    assert not [path for path in named if any(name.partition(".")[0] == "tests" for name in imports(path))]
