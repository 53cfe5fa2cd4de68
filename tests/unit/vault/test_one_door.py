# SPDX-License-Identifier: Apache-2.0
"""Weights that may run are made in one place: what Python cannot hold, this does."""

import ast
from pathlib import Path

import freehold

_HOUSE = Path(freehold.__file__).parent


def _makes_weights(path: Path) -> bool:
    calls = (node.func for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call))
    names = {func.id if isinstance(func, ast.Name) else getattr(func, "attr", "") for func in calls}
    return "VerifiedWeights" in names


def test_only_the_door_makes_weights_that_may_run() -> None:
    makers = {str(path.relative_to(_HOUSE)) for path in _HOUSE.rglob("*.py") if _makes_weights(path)}
    assert makers == {"vault/verify.py"}
