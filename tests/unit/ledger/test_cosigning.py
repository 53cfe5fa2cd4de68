# SPDX-License-Identifier: Apache-2.0
"""Cosigned checkpoints, as the ledger takes them from a process that speaks with strangers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.ledger_builder import KEY, act_bytes, append, open_log
from tests.witness_builder import ML_DSA_KEY, WITNESS_KEY, text_of

from freehold.errors import VerificationFailed
from freehold.ledger.check.trust import TrustPolicy, parse_policy
from freehold.ledger.client import LedgerClient
from freehold.ledger.keeper.service import LedgerService
from freehold.ledger.tree.checkpoint import Checkpoint, read_unverified, sign_checkpoint
from freehold.ledger.writing.log import Log
from freehold.signing.cosignature import cosign
from freehold.signing.keys import FileKey

POLICY = parse_policy(
    f"log {KEY.vkey}\nwitness a {WITNESS_KEY.vkey}\nwitness b {ML_DSA_KEY.vkey}\ngroup g all a b\nquorum g\n".encode()
)


@dataclass
class Kit:
    log: Log
    client: LedgerClient

    def grow(self, entries: int) -> bytes:
        first = self.log.size
        append(self.log, [act_bytes(f"act-{index}") for index in range(first, first + entries)])
        return self.log.publish()

    def in_place(self) -> bytes | None:
        path = self.log.directory / "checkpoint.cosigned"
        return path.read_bytes() if path.exists() else None


@asynccontextmanager
async def serving(root: Path, policy: TrustPolicy | None = POLICY) -> AsyncIterator[Kit]:
    log = open_log(root)
    service = LedgerService(log, root / "s", publish_s=3600.0, witnesses=policy)
    await service.start()
    client = LedgerClient(root / "s", identity="control-1")
    await client.start()
    try:
        yield Kit(log, client)
    finally:
        await client.close()
        await service.close()


def cosigned(note: bytes, *keys: FileKey) -> str:
    return note.decode() + "".join(cosign(text_of(note), key, 1) for key in keys or (WITNESS_KEY, ML_DSA_KEY))


async def test_a_checkpoint_that_the_quorum_has_cosigned_is_put_in_place(tmp_path: Path) -> None:
    async with serving(tmp_path) as kit:
        note = cosigned(kit.grow(5))
        assert await kit.client.add_cosignatures(note) == 5
        assert kit.in_place() == note.encode()


async def test_an_older_one_than_the_newest_published_is_taken_too(tmp_path: Path) -> None:
    async with serving(tmp_path) as kit:
        note = cosigned(kit.grow(5))
        kit.grow(300)
        assert await kit.client.add_cosignatures(note) == 5


async def test_an_older_one_than_is_there_changes_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as kit:
        older, newer = cosigned(kit.grow(5)), cosigned(kit.grow(5))
        assert await kit.client.add_cosignatures(newer) == 10
        assert await kit.client.add_cosignatures(older) == 10
        assert kit.in_place() == newer.encode()


async def test_what_cannot_be_read_in_its_place_is_replaced(tmp_path: Path) -> None:
    async with serving(tmp_path) as kit:
        note = cosigned(kit.grow(5))
        (kit.log.directory / "checkpoint.cosigned").write_text("nonsense")
        assert await kit.client.add_cosignatures(note) == 5


async def test_too_few_are_not_enough(tmp_path: Path) -> None:
    async with serving(tmp_path) as kit:
        note = kit.grow(5)
        with pytest.raises(VerificationFailed, match="too few witnesses"):
            await kit.client.add_cosignatures(cosigned(note, WITNESS_KEY))
        assert kit.in_place() is None


async def test_what_does_not_hold_is_refused_whole(tmp_path: Path) -> None:
    async with serving(tmp_path) as kit:
        note = kit.grow(5)
        other = cosigned(kit.grow(1)).rpartition("\n\n")[2].partition("\n")[2]
        strange = sign_checkpoint(
            Checkpoint(origin=KEY.name, size=5, root=read_unverified(note).root), FileKey(KEY.name, b"\x09" * 32)
        )
        for wrong in (note.decode() + other, cosigned(strange), "nonsense", "", cosigned(note)[:-4]):
            with pytest.raises(VerificationFailed):
                await kit.client.add_cosignatures(wrong)
        assert kit.in_place() is None


async def test_a_tree_that_is_not_this_log_s_is_refused_whoever_signed_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as kit:
        kit.grow(5)
        forked = sign_checkpoint(Checkpoint(origin=KEY.name, size=5, root=bytes(32)), KEY)
        with pytest.raises(VerificationFailed, match="another root"):
            await kit.client.add_cosignatures(cosigned(forked))
        ahead = sign_checkpoint(Checkpoint(origin=KEY.name, size=6, root=bytes(32)), KEY)
        with pytest.raises(VerificationFailed, match="the published log has 5"):
            await kit.client.add_cosignatures(cosigned(ahead))
        assert kit.in_place() is None


async def test_without_witnesses_nothing_is_taken(tmp_path: Path) -> None:
    async with serving(tmp_path, None) as kit:
        with pytest.raises(VerificationFailed, match="no witness is configured"):
            await kit.client.add_cosignatures(cosigned(kit.grow(5)))
