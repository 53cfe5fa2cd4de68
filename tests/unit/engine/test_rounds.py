# SPDX-License-Identifier: Apache-2.0
"""An engine whose server answers while its one thread for work does not come back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from freehold.engine.rounds import LONGEST_S, Rounds
from freehold.errors import EngineUnavailable


class Engine:
    """Answers at once, or never while it is stuck."""

    def __init__(self) -> None:
        self.stuck = False
        self.asked = b""
        self.answers: set[asyncio.Task[None]] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (answer := asyncio.current_task()) is not None:
            self.answers.add(answer)
        self.asked = await reader.readline()
        if self.stuck:
            await reader.read()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n[]")
        writer.close()
        await writer.wait_closed()


class Hours:
    """Time that passes by hand."""

    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s


@asynccontextmanager
async def listening(engine: Engine, folder: Path) -> AsyncIterator[str]:
    address = str(folder / "engine.sock")
    async with await asyncio.start_unix_server(engine.answer, address):
        yield address
        await asyncio.gather(*engine.answers)


async def test_an_engine_that_is_stuck_in_its_work_is_not_well_after_a_while(tmp_path: Path) -> None:
    engine, hours = Engine(), Hours()
    rounds = Rounds(hours.monotonic, answer_s=0.02)
    async with listening(engine, tmp_path) as address:
        await rounds.look(address)
        engine.stuck = True
        hours.now_s = LONGEST_S - 1  # it may be reading a long prompt
        await rounds.look(address)
        hours.now_s = LONGEST_S
        with pytest.raises(EngineUnavailable, match="not come to its work for 600 s"):
            await rounds.look(address)
    assert engine.asked.startswith(b"GET /lora-adapters ")


async def test_what_counts_is_the_time_since_it_was_seen_last_or_was_loaded(tmp_path: Path) -> None:
    engine, hours = Engine(), Hours()
    rounds = Rounds(hours.monotonic, answer_s=0.02)
    async with listening(engine, tmp_path) as address:
        hours.now_s = 5 * LONGEST_S
        await rounds.look(address)
        engine.stuck = True
        hours.now_s += LONGEST_S - 1
        await rounds.look(address)
        hours.now_s += LONGEST_S
        rounds.begin()
        await rounds.look(address)
