# SPDX-License-Identifier: Apache-2.0
"""Bodies with one defect each, named for it. Every dialect refuses them as the caller's mistake."""

from pathlib import Path

import pytest

from freehold.contract.call import Dialect, Operation
from freehold.dialect import codecs
from freehold.errors import InvalidRequest

BODIES = sorted((Path(__file__).parent / "bodies").glob("*.json"))
_NESTED = {
    "lists": b"[" * 10_000 + b"]" * 10_000,
    "objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "unclosed": b"[" * 10_000,
    "a-little-too-deep": b"[" * 200 + b"]" * 200,
}


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_defective_body_is_refused(path: Path, dialect: Dialect) -> None:
    with pytest.raises(InvalidRequest, match="the body"):
        codecs[dialect].parse(Operation.CHAT, path.read_bytes())


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("shape", _NESTED)
def test_deep_nesting_is_refused_without_recursion(shape: str, dialect: Dialect) -> None:
    body = b'{"model":"x","messages":[{"role":"user","content":"hi"}],"max_tokens":1,"input":' + _NESTED[shape] + b"}"
    with pytest.raises(InvalidRequest, match=r"nested deeper than 128|not well-formed JSON"):
        codecs[dialect].parse(Operation.CHAT, body)
