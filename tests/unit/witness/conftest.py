# SPDX-License-Identifier: Apache-2.0
"""An own log on disk, and a witness of it in the same process, reached without a network."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import ledger_builder
from tests.witness_builder import AT_UNIX

from freehold.egress.errand import Reply
from freehold.errors import ContactFailed
from freehold.ledger.writing.log import Log
from freehold.signing.note import parse_vkey
from freehold.witness.asking.own_log import OwnLog
from freehold.witness.asking.ways import KnownWitness
from freehold.witness.serving.home import Home, make_home, watch
from freehold.witness.serving.memory import hash_of
from freehold.witness.serving.service import Answer


class NearWitness:
    """A witness and the way to it. ``away``: nobody answers; ``instead``: what it says whatever it is asked."""

    def __init__(self, directory: Path, name: str) -> None:
        make_home(directory, name=f"witness.example/{name}", key_type="ed25519")
        watch(directory, ledger_builder.KEY.vkey)
        self.directory = directory
        self.home = Home(directory, now_unix=lambda: AT_UNIX)
        self.witness = KnownWitness(
            name=name, vkey=self.home.vkey, url="http://127.0.0.1:1", monitor_url="http://127.0.0.1:1", answer_s=1.0
        )
        self.asked: list[bytes] = []
        self.away = False
        self.instead: Reply | None = None

    async def add_checkpoint(self, body: bytes) -> Reply:
        self.asked.append(body)
        if self.away:
            raise ContactFailed("nobody is there")
        return self.instead or _reply(self.home.witness.add_checkpoint(body))

    async def checkpoint(self, origin: str) -> Reply:
        if self.away:
            raise ContactFailed("nobody is there")
        return _reply(self.home.witness.checkpoint(hash_of(origin)))

    async def close(self) -> None:
        """Nothing is open."""


def _reply(answer: Answer) -> Reply:
    return Reply(status=answer.status, media=answer.media.partition(";")[0], body=answer.body.encode())


class GrowingLog:
    """The estate's own log. ``grow`` appends so many entries and publishes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log: Log = ledger_builder.open_log(root)
        self.log.publish()

    @property
    def directory(self) -> Path:
        return self.root / "ledger"

    def grow(self, entries: int) -> None:
        first = self.log.size
        ledger_builder.append(
            self.log, [ledger_builder.act_bytes(f"act-{index}") for index in range(first, first + entries)]
        )
        self.log.publish()

    @property
    def own(self) -> OwnLog:
        return OwnLog(self.directory, parse_vkey(ledger_builder.KEY.vkey))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[GrowingLog]:
    made = GrowingLog(tmp_path / "estate")
    yield made
    made.log.close()


@pytest.fixture
def alice(tmp_path: Path) -> Iterator[NearWitness]:
    made = NearWitness(tmp_path / "alice", "alice")
    yield made
    made.home.close()


@pytest.fixture
def bob(tmp_path: Path) -> Iterator[NearWitness]:
    made = NearWitness(tmp_path / "bob", "bob")
    yield made
    made.home.close()
