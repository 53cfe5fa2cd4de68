# SPDX-License-Identifier: Apache-2.0
"""The ledger's process as the supervisor starts it: killed, started twice, and started on a copy of a ledger."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.kills import prove, start_ledger
from tests.ledger_builder import TARGETS, call, decision

from freehold.admin.founding import found
from freehold.bootstrap.adopting import adopt, adopt_once_seen
from freehold.bootstrap.soundness import check_home
from freehold.contract.estate import Estate
from freehold.errors import EstateError, LedgerUnavailable, NotAtHome, SettingsError, VerificationFailed
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.client import LedgerClient
from freehold.settings import read_settings


@asynccontextmanager
async def _running(estate: Estate) -> AsyncIterator[LedgerClient]:
    estate.ledger_socket.unlink(missing_ok=True)
    process = start_ledger(estate, stderr=subprocess.DEVNULL)
    client = LedgerClient(estate.ledger_socket, identity="control-1", admit_timeout_s=20.0)
    try:
        await client.start()
        await client.status()
        yield client
        await client.close()
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


async def _founded(directory: Path, acts: int = 1) -> Estate:
    estate = Estate(directory)
    found(estate)
    async with _running(estate) as client:
        for number in range(acts):
            await client.record_act("key.create", subject=f"key-{number}", operator="op-1")
    return estate


def _copied(estate: Estate, directory: Path) -> Estate:
    shutil.copytree(estate.directory, directory, ignore=shutil.ignore_patterns("run"))
    (directory / "run").mkdir()
    return Estate(directory)


@pytest.mark.parametrize(("durability", "kills"), [("strict", 5), ("relaxed", 3)])
async def test_a_killed_ledger_has_lost_nothing_that_it_acknowledged(
    tmp_path: Path, durability: str, kills: int
) -> None:
    """The short version of ``make prove-ledger``."""
    proved = await prove(tmp_path, kills=kills, durability=durability)
    assert proved.acknowledged > 0
    assert (proved.missing, proved.without_salt, proved.wrong) == ([], [], [])


async def test_of_two_ledger_processes_the_second_ends_and_the_first_goes_on(tmp_path: Path) -> None:
    estate = await _founded(tmp_path)
    async with _running(estate) as client:
        second = start_ledger(estate, stderr=subprocess.PIPE)
        _, said = await asyncio.to_thread(second.communicate)
        assert second.returncode == 1
        assert b"another process writes the log" in said
        await client.record_act("key.revoke", subject="key-0", operator="op-1")


async def test_a_copy_refuses_calls_and_says_why(tmp_path: Path) -> None:
    copy = _copied(await _founded(tmp_path / "a"), tmp_path / "b")
    with pytest.raises(NotAtHome):
        check_home(copy)
    before = (copy.ledger / "checkpoint").read_bytes()
    async with _running(copy) as client:
        refused = client.admit(call("a"), decision(), targets=TARGETS, snapshot_version=1)
        with pytest.raises(LedgerUnavailable, match="is a copy"):
            await refused.durable()
        with pytest.raises(LedgerUnavailable, match="freehold ledger adopt"):
            await client.publish()
        status = await client.status()
        assert (status.size, status.published_size) == (1, 1)
        assert "is a copy" in status.away
    assert (copy.ledger / "checkpoint").read_bytes() == before


async def test_an_adopted_copy_is_an_estate_like_any_other(tmp_path: Path) -> None:
    copy = _copied(await _founded(tmp_path / "a"), tmp_path / "b")
    with pytest.raises(VerificationFailed, match="neither a witness nor an anchor"):
        adopt(copy, (), unwitnessed=False)
    adoption = adopt(copy, (), unwitnessed=True)
    assert (adoption.size, adoption.taken, adoption.act) == (1, 0, 1)
    check_home(copy)
    async with _running(copy) as client:
        await client.publish()
        assert (await client.status()).size == 2
    assert verify_ledger(copy.ledger, copy.ledger_vkey.read_text(encoding="utf-8").strip()).acts == 2
    with pytest.raises(EstateError, match="is at home"):
        adopt(copy, (), unwitnessed=True)


async def test_what_a_newer_copy_has_is_taken_before_the_witnesses_are_asked(tmp_path: Path) -> None:
    estate = await _founded(tmp_path / "a")
    old = _copied(estate, tmp_path / "b")
    async with _running(estate) as client:
        for number in range(3):
            await client.record_act("key.create", subject=f"late-{number}", operator="op-1")
    settings = read_settings(old.settings)
    with pytest.raises(VerificationFailed, match="far has seen 4"):
        adopt_once_seen(old, settings, (), lambda: {"far": 4}, unwitnessed=True)
    adoption = adopt_once_seen(old, settings, (estate.ledger,), lambda: {"far": 4}, unwitnessed=False)
    assert (adoption.size, adoption.taken, adoption.seen, adoption.act) == (4, 3, {"far": 4}, 4)


def test_an_anchor_in_the_estate_is_none(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    found(estate)
    text = estate.settings.read_text(encoding="utf-8")
    anchor = f'[ledger]\nanchor = "{tmp_path}/anchor"'
    estate.settings.write_text(text.replace("[ledger]", anchor, 1), encoding="utf-8")
    with pytest.raises(SettingsError, match="anchor: lies in the estate"):
        check_home(estate)


async def test_a_ledger_that_was_put_back_is_seen_by_its_anchor(tmp_path: Path) -> None:
    estate = await _founded(tmp_path / "a")
    kept = shutil.copytree(estate.ledger, tmp_path / "kept")
    anchor = tmp_path / "anchor"
    anchor.write_bytes((estate.ledger / "checkpoint").read_bytes())
    text = estate.settings.read_text(encoding="utf-8")
    estate.settings.write_text(text.replace("[ledger]", f'[ledger]\nanchor = "{anchor}"', 1), encoding="utf-8")
    async with _running(estate) as client:
        await client.record_act("key.create", subject="late", operator="op-1")
        await client.publish()
        assert (await client.status()).anchored_size == 2
    (estate.ledger / "checkpoint").write_bytes((kept / "checkpoint").read_bytes())
    with pytest.raises(NotAtHome, match="was put back"):
        check_home(estate)
    async with _running(estate) as client:
        assert "was put back" in (await client.status()).away
