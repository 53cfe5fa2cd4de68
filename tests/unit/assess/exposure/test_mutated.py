# SPDX-License-Identifier: Apache-2.0
"""Files of our corpus, cut, doubled and garbled: no reader fails on any of them."""

import random
from pathlib import Path

import pytest
from tests.corpus.__main__ import HERE

from freehold.assess.exposure.assessment import hosts_of
from freehold.assess.exposure.files import Files
from freehold.assess.exposure.knowledge import load_knowledge
from freehold.assess.exposure.walk import Place
from freehold.policy.facts import Register

SOURCES = sorted(path for path in (HERE / "tree").rglob("*") if path.is_file())
PIECES = [
    b"\0",
    b"\xff\xfe",
    b'"',
    b"'",
    b"\\",
    b"{",
    b"[",
    b"(",
    b"\n",
    b"#",
    b"/*",
    b"<!--",
    b"${",
    b"https://[",
    b"http://%",
    b"::",
    b"@",
]


def _mutated(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    match chance.randrange(4):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + chance.choice(PIECES) * chance.randrange(1, 40) + content[at:]
        case 2:
            return content[at:] + content[:at]
        case _:
            return content[:at] + bytes(chance.randrange(256) for _ in range(20)) + content[at + 20 :]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(HERE / "tree").as_posix())
def test_no_reader_fails_on_a_garbled_file(source: Path, tmp_path: Path, register: Register) -> None:
    files = Files(load_knowledge(hosts_of(register)))
    chance = random.Random(source.name)  # noqa: S311 - no secret
    path = tmp_path / source.name
    for _ in range(12):
        content = _mutated(source.read_bytes(), chance)
        path.write_bytes(content)
        name = source.relative_to(HERE / "tree").as_posix()
        files.read(Place(str(path), name, len(content)))
