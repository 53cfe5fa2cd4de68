# SPDX-License-Identifier: Apache-2.0
"""Whether anything of a request outlives it: a gateway under mixed load for minutes, and what memory it has over time.

    python -m bench.soak --minutes 10

Small and large prompts, streams, callers who hang up in the middle, requests that are wrong, a provider that fails,
breaks off and falls silent; in strict mode, with keys, policy, admission and outcome. It prints a table and the growth
per 100,000 requests, and writes both with a chart into ``bench/out``. It asserts nothing.
"""

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.soak_chart import chart

_FREEHOLD: Final = Path(sys.executable).with_name("freehold")
_OUT: Final = Path(__file__).parent / "out"
_CALLERS: Final = 24
_EVENTS: Final = 40
_PATH: Final = "/v1/chat/completions"
_FOUND: Final = "source: CONTRACT, confidence: confirmed"
_FACTS: Final = f"""\
sources:
  CONTRACT: {{source: "The benchmark", as_of: 2026-10-01}}
organisations:
  mock:
    {{name: Mock, seat: FR, {_FOUND}, owners: {{complete: "yes", {_FOUND}}}}}
providers:
  mock:
    name: Mock
    source: CONTRACT
    confidence: confirmed
    operator: {{organisation: mock, {_FOUND}}}
    sub_processors: {{complete: "yes", {_FOUND}}}
    locations: {{states: [FR], complete: "yes", {_FOUND}}}
    retention: {{days: 0, {_FOUND}}}
    training: {{trains: "no", {_FOUND}}}
    hosts: [{{host: 127.0.0.1, location: FR, {_FOUND}}}]
    dialects: [openai]
"""
_WHOLE: Final = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
    }
).encode()
_EVENT: Final = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,'
    b'"delta":{"content":" word"},"finish_reason":null}]}\n\n'
)
_LAST: Final = _EVENT.replace(b'"content":" word"', b"").replace(b"null", b'"stop"') + b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Sample:
    """The gateway at one moment."""

    at_s: float
    requests: int
    pss_mb: float


class Mock:
    """A provider in this process: what it does is in the prompt."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]  # the gateway sends one
                body = await reader.readexactly(length)
                await self._answer(writer, body)
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, body: bytes) -> None:
        if b"FAIL" in body:
            writer.write(b"HTTP/1.1 500 x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        elif b'"stream":true' not in body:
            head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
            writer.write(head.format(len(_WHOLE)).encode() + _WHOLE)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(_EVENTS):
                if writer.is_closing():
                    raise ConnectionError
                _write_chunk(writer, _EVENT)
                await asyncio.sleep(0.002)
                if b"BREAK" in body and random.random() < 0.1:  # noqa: S311 - no secret
                    raise ConnectionError
            _write_chunk(writer, _LAST)
            writer.write(b"0\r\n\r\n")
        await writer.drain()


def _write_chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))


class Caller:
    """Asks one thing after another, each in another way, until told to stop."""

    def __init__(self, port: int, key: str, counts: Counter[str]) -> None:
        self._port = port
        self._key = key
        self._counts = counts
        self._stopping = False

    def stop(self) -> None:
        self._stopping = True

    async def ask_on(self) -> None:
        kinds = ("small",) * 12 + ("stream",) * 3 + ("large", "hang up", "break", "fail", "wrong", "no key")
        while not self._stopping:
            kind = random.choice(kinds)  # noqa: S311 - no secret
            with suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    for _ in range(1 if kind == "hang up" else 20):
                        await self._ask(kind, reader, writer)
                        self._counts[kind] += 1
                finally:
                    writer.close()

    async def _ask(self, kind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        words = {"large": "word " * 80_000, "fail": "FAIL", "break": "BREAK"}.get(kind, "hello " * 60)
        asked: dict[str, object] = {"model": "mock", "messages": [{"role": "user", "content": words}]}
        if kind in ("stream", "hang up", "break"):
            asked["stream"] = True
        if kind == "wrong":
            asked["temperature"] = "warm"
        body = json.dumps(asked).encode()
        key = "nobody" if kind == "no key" else self._key
        head = f"POST {_PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        if kind == "hang up":
            await reader.readuntil(b"word")
            return
        said = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"chunked" in said:
            while not (await reader.readuntil(b"\r\n")).startswith(b"0\r\n"):
                pass
            await reader.readexactly(2)
        else:
            await reader.readexactly(int(said.partition(b"content-length: ")[2].partition(b"\r\n")[0]))


def _pss_mb(pid: int) -> float:
    found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def _gateway_of(estate: Path) -> int:
    """The process id of the estate's gateway."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if b"freehold.bootstrap.gateway" in command and os.fsencode(estate) in command:
                return int(process.name)
    raise RuntimeError("the estate has no gateway")


def growth_mb(samples: Sequence[Sample]) -> float:
    """Megabytes per 100,000 requests, by least squares over the samples' later two thirds: a process warms up."""
    later = samples[len(samples) // 3 :]
    mean_n = sum(sample.requests for sample in later) / len(later)
    mean_mb = sum(sample.pss_mb for sample in later) / len(later)
    spread = sum((sample.requests - mean_n) ** 2 for sample in later)
    together = sum((sample.requests - mean_n) * (sample.pss_mb - mean_mb) for sample in later)
    return 100_000 * together / spread if spread else 0.0


async def _soak(estate: Path, minutes: float) -> tuple[list[Sample], Counter[str]]:
    mock = await asyncio.start_server(Mock().serve, "127.0.0.1", 0, limit=2**22)
    told = _up(estate, mock.sockets[0].getsockname()[1])
    port = int(told["base_url"].rpartition(":")[2])
    pid, counts = _gateway_of(estate), Counter[str]()
    callers = [Caller(port, told["api_key"], counts) for _ in range(_CALLERS)]
    asking = [asyncio.create_task(caller.ask_on()) for caller in callers]
    began = time.monotonic()
    samples = [Sample(0.0, 0, _pss_mb(pid))]
    while (at_s := time.monotonic() - began) < minutes * 60:
        await asyncio.sleep(min(5.0, minutes * 2))
        samples.append(Sample(at_s, counts.total(), _pss_mb(pid)))
    for caller in callers:
        caller.stop()
    await asyncio.gather(*asking)
    await asyncio.sleep(5)
    samples.append(Sample(time.monotonic() - began, counts.total(), _pss_mb(pid)))
    await asyncio.to_thread(_down, estate)  # so that nobody is connected to the provider any more
    mock.close()
    return samples, counts


def _up(estate: Path, provider_port: int) -> dict[str, str]:
    subprocess.run([_FREEHOLD, "init", "--estate", estate], check=True, stdout=subprocess.DEVNULL)
    path = estate / "freehold.toml"
    text = path.read_text()
    text = text[: text.index("# A service is")]
    text = re.sub(r"(?m)^#? ?set = .*$", 'set = "eu-only"', text)
    text = re.sub(r"(?m)^#? ?requests_per_minute = .*$", "requests_per_minute = 100000000", text)
    text += f'[provider.mock]\nbase_url = "http://127.0.0.1:{provider_port}/v1"\nallow_private = true\n'
    text += '[target.mock]\nprovider = "mock"\nmodel = "m"\n[service.mock]\ntargets = ["mock"]\n'
    path.write_text(text)
    (estate / "facts").mkdir(exist_ok=True)
    (estate / "facts" / "mock.yaml").write_text(_FACTS)
    ports = [str(30_000 + (os.getpid() + more) % 20_000) for more in (0, 1)]
    command: list[str | Path] = [
        _FREEHOLD,
        "up",
        "--estate",
        estate,
        "--port",
        ports[0],
        "--admin-port",
        ports[1],
        "--detach",
        "--json",
    ]
    told: dict[str, str] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return told


def _down(estate: Path) -> None:
    subprocess.run([_FREEHOLD, "down", "--estate", estate], check=False, stdout=subprocess.DEVNULL)


def main() -> None:
    """Soak, print, and write what was seen."""
    parser = argparse.ArgumentParser(description="A gateway's memory under minutes of mixed load.")
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="freehold-soak-") as directory:
        estate = Path(directory) / "estate"
        try:
            samples, counts = asyncio.run(_soak(estate, minutes))
        finally:
            _down(estate)
    growth = growth_mb(samples[:-1])  # the last one is at rest
    for sample in samples[:: max(1, len(samples) // 20)]:
        print(f"{sample.at_s:7.0f} s  {sample.requests:9,} requests  {sample.pss_mb:6.1f} MB")
    print(", ".join(f"{count:,} {kind}" for kind, count in counts.most_common()))
    print(f"growth {growth:+.2f} MB per 100,000 requests; at rest afterwards {samples[-1].pss_mb:.1f} MB")
    _OUT.mkdir(exist_ok=True)
    seen = {"growth_mb_per_100k": growth, "counts": dict(counts), "samples": [asdict(sample) for sample in samples]}
    (_OUT / "soak.json").write_text(json.dumps(seen, indent=1))
    points = [(sample.at_s / 60, sample.pss_mb) for sample in samples]
    (_OUT / "soak.svg").write_text(chart(points, f"gateway, {counts.total():,} requests, {growth:+.2f} MB per 100,000"))


if __name__ == "__main__":
    main()
