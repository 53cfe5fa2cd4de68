# SPDX-License-Identifier: Apache-2.0
"""A gateway's end of the detector's process: whatever becomes of the process, every text has an answer, and in time."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable

import pytest

from freehold.policy.detect import Reader

ECHO = """
import sys, struct, os, time
source, out = sys.stdin.buffer, sys.stdout.buffer
while head := source.read(4):
    text = source.read(struct.unpack(">I", head)[0])
    if text == b"die": os._exit(1)
    if text == b"hang": time.sleep(60)
    if text == b"babble": out.write(b"\\xff" * 64)
    out.write(struct.pack(">I", len(text)) + text)
    out.flush()
"""
Made = Callable[..., Reader]


@pytest.fixture
async def made() -> AsyncIterator[Made]:
    """Readers of a process that answers with the text itself."""
    readers: list[Reader] = []

    def make(program: str = ECHO, *, patience_s: float = 20.0, retry_s: float = 0.0) -> Reader:
        readers.append(Reader((sys.executable, "-I", "-c", program), patience_s=patience_s, retry_s=retry_s))
        return readers[-1]

    yield make
    for reader in readers:
        await reader.aclose()


async def test_texts_are_answered_one_after_the_other_by_one_process(made: Made) -> None:
    reader = made("import os\n" + ECHO.replace("len(text)) + text", "5) + b'%05d' % (os.getpid() % 100000)"))
    assert len(set(await asyncio.gather(*(reader.find(f"text {number}") for number in range(50))))) == 1


async def test_each_answer_goes_to_whoever_asked(made: Made) -> None:
    reader = made()
    texts = ["", "a", "b" * 10_000, "c"]
    assert await asyncio.gather(*map(reader.find, texts)) == texts


async def test_a_process_that_dies_leaves_texts_unread_and_the_next_one_reads(made: Made) -> None:
    reader = made()
    assert await reader.find("a") == "a"
    assert await reader.find("die") == "not-read"
    while (kind := await reader.find("b")) == "not-read":
        await asyncio.sleep(0)
    assert kind == "b"


async def test_it_is_not_started_again_at_once(made: Made) -> None:
    reader = made(retry_s=1000.0)
    assert await reader.find("die") == "not-read"
    assert [await reader.find("a") for _ in range(5)] == ["not-read"] * 5


async def test_a_process_that_does_not_answer_is_not_waited_for(made: Made) -> None:
    reader = made(patience_s=0.05)
    assert await reader.find("hang") == "not-in-time"
    assert await reader.find("a") == "not-in-time"


async def test_a_process_that_cannot_be_started_leaves_texts_unread(caplog: pytest.LogCaptureFixture) -> None:
    reader = Reader(("/no/such/program",), patience_s=20.0, retry_s=1000.0)
    assert await reader.find("a secret") == "not-read"
    assert await reader.find("a secret") == "not-read"
    await reader.aclose()
    assert "FileNotFoundError" in caplog.text
    assert "secret" not in caplog.text


async def test_what_is_no_answer_raises_as_well(made: Made) -> None:
    reader = made(patience_s=0.2)
    assert await reader.find("babble") in ("not-in-time", "not-read")


async def test_whoever_hangs_up_is_forgotten_and_the_others_get_their_own_answers(made: Made) -> None:
    reader = made()
    assert await reader.find("warm") == "warm"
    gone = [asyncio.ensure_future(reader.find(f"gone {number}")) for number in range(10)]
    await asyncio.sleep(0)
    for asking in gone:
        asking.cancel()
    assert await reader.find("a") == "a"


async def test_more_text_than_it_could_read_in_time_is_not_kept(made: Made) -> None:
    reader = made(patience_s=0.05)
    hanging = asyncio.ensure_future(reader.find("hang"))
    kept = [asyncio.ensure_future(reader.find("x" * 2**20)) for _ in range(20)]
    done, _ = await asyncio.wait(kept, return_when=asyncio.FIRST_COMPLETED)
    assert {asking.result() for asking in done} == {"not-in-time"}
    assert {*await asyncio.gather(hanging, *kept)} == {"not-in-time"}


async def test_a_closed_reader_tells_whoever_waits_and_can_be_opened_again(made: Made) -> None:
    reader = made()
    assert await reader.find("a") == "a"
    waiting = asyncio.ensure_future(reader.find("hang"))
    await asyncio.sleep(0)
    reader.close()
    assert await waiting == "not-read"
    assert await reader.find("b") == "b"


async def test_no_text_is_logged(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    reader = made()
    asking = asyncio.gather(reader.find("alice@example.fr"), reader.find("die"), reader.find("bob@example.fr"))
    assert list(await asking) == ["alice@example.fr", "not-read", "not-read"]
    assert "example.fr" not in caplog.text
