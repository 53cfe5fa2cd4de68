# SPDX-License-Identifier: Apache-2.0
"""Messages arrive whole, in order and once, however their bytes do; what is no message ends the connection."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from freehold.channel import Channel, ChannelClosed, connect, listen, reachable_path

Texts = Channel[str, str]


@asynccontextmanager
async def other_end(path: Path) -> AsyncIterator[tuple[Texts, socket.socket]]:
    """A channel, and the bare socket of whoever is at the other end of it."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path / "s"))
    listener.listen()
    channel: Texts = await connect(path / "s", str)
    bare, _ = listener.accept()
    bare.setblocking(False)
    try:
        yield channel, bare
    finally:
        channel.close()
        bare.close()
        listener.close()


def frame(*messages: object) -> bytes:
    payloads = [msgspec.msgpack.encode(message) for message in messages]
    return b"".join(len(payload).to_bytes(4, "big") + payload for payload in payloads)


async def say(bare: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(bare, data)


async def test_messages_arrive_whole_however_their_bytes_are_cut(tmp_path: Path) -> None:
    said = ["one", "", "x" * 70_000, "last"]
    data = frame(*said)
    async with other_end(tmp_path) as (channel, bare):
        for at in [*range(12), *range(12, len(data), 10_007)]:
            end = at + 1 if at < 11 else min(at + 10_007, len(data)) if at >= 12 else 12
            await say(bare, data[at:end])
            await asyncio.sleep(0)
        assert [await channel.receive() for _ in said] == said


async def test_many_messages_in_one_read_are_all_heard(tmp_path: Path) -> None:
    said = [f"{number}" for number in range(1000)]
    async with other_end(tmp_path) as (channel, bare):
        await say(bare, frame(*said))
        assert [await channel.receive() for _ in said] == said


async def test_batches_are_handed_over_until_the_end(tmp_path: Path) -> None:
    heard: list[str] = []
    async with other_end(tmp_path) as (channel, bare):
        await say(bare, frame("hello", "first"))
        assert await channel.receive() == "hello"
        hearing = asyncio.create_task(channel.hear(heard.extend))
        await say(bare, frame("second", "third"))
        bare.shutdown(socket.SHUT_WR)
        await hearing
        assert heard == ["first", "second", "third"]


async def test_what_is_no_message_ends_the_connection_after_those_before_it(tmp_path: Path) -> None:
    async with other_end(tmp_path) as (channel, bare):
        await say(bare, frame("good", 7, "never"))
        assert await channel.receive() == "good"
        with pytest.raises(ChannelClosed):
            await channel.receive()
        with pytest.raises(ChannelClosed):
            channel.post("to nobody")


async def test_a_frame_over_the_limit_ends_the_connection_before_it_is_read(tmp_path: Path) -> None:
    async with other_end(tmp_path) as (channel, bare):
        await say(bare, (16 * 2**20 + 1).to_bytes(4, "big"))
        with pytest.raises(ChannelClosed):
            await channel.receive()


async def test_whoever_reads_nothing_holds_up_whoever_writes(tmp_path: Path) -> None:
    async with other_end(tmp_path) as (channel, bare):
        writing = asyncio.create_task(say(bare, frame(*["x" * 10_000] * 2000)))
        first = await channel.receive()
        for _ in range(1000):
            await asyncio.sleep(0)
        assert not writing.done()
        rest = [await channel.receive() for _ in range(1999)]
        await writing
        assert {first, *rest} == {"x" * 10_000}


async def all_of(bare: socket.socket) -> bytes:
    """All that comes, until the other end closes."""
    received = b""
    while data := await asyncio.get_running_loop().sock_recv(bare, 4096):
        received += data
    return received


async def test_what_was_posted_is_sent_before_the_channel_closes(tmp_path: Path) -> None:
    async with other_end(tmp_path) as (channel, bare):
        channel.post("one")
        channel.post("two")
        channel.close()
        assert await all_of(bare) == frame("one", "two")


async def test_what_is_said_leaves_at_once_behind_what_was_posted(tmp_path: Path) -> None:
    async with other_end(tmp_path) as (channel, bare):
        channel.post("one")
        channel.say("two")
        channel.post("three")
        channel.close()
        assert await all_of(bare) == frame("one", "two", "three")
        with pytest.raises(ChannelClosed):
            channel.say("four")


async def test_drain_ends_when_the_other_end_is_gone(tmp_path: Path) -> None:
    async with other_end(tmp_path) as (channel, bare):
        sending = asyncio.create_task(channel.send("x" * 8 * 2**20))
        await asyncio.sleep(0)
        assert not sending.done()
        bare.close()
        with pytest.raises(ChannelClosed):
            await sending


async def test_each_connection_is_served_and_closed_when_that_is_done(tmp_path: Path) -> None:
    async def echo(channel: Channel[str, str]) -> None:
        channel.post(await channel.receive() + "!")

    server = await listen(tmp_path / "s", str, echo)
    for word in ("one", "two"):
        channel: Texts = await connect(tmp_path / "s", str)
        await channel.send(word)
        assert await channel.receive() == word + "!"
        with pytest.raises(ChannelClosed):
            await channel.receive()
        channel.close()
    server.close()


async def test_batches_said_in_one_turn_arrive_in_order(tmp_path: Path) -> None:
    batches: list[Sequence[str]] = []

    async def hear(channel: Channel[str, str]) -> None:
        await channel.hear(batches.append)

    server = await listen(tmp_path / "s", str, hear)
    channel: Texts = await connect(tmp_path / "s", str)
    for number in range(100):
        channel.post(f"{number}")
    await channel.drain()
    channel.close()
    while sum(map(len, batches)) < 100:
        await asyncio.sleep(0)
    server.close()
    assert [message for batch in batches for message in batch] == [f"{number}" for number in range(100)]


async def test_a_socket_deep_in_the_tree_costs_one_descriptor_however_often_it_is_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 60) / ("e" * 60)
    folder.mkdir(parents=True)
    first = reachable_path(folder / "a.sock")
    assert reachable_path(folder / "b.sock") == first.replace("a.sock", "b.sock")
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError):
        reachable_path(folder / "a.sock")
    folder.mkdir()
    (folder / "a.sock").write_text("the new one")
    assert Path(reachable_path(folder / "a.sock")).read_text() == "the new one"
