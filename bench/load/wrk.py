# SPDX-License-Identifier: Apache-2.0
"""Whole answers under load: wrk with one thread, asked for one side, and what it tells."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.load.requests import body_of, headers_of
from bench.peers.installing import command
from bench.peers.interface import CHAT, Side

_SCRIPT = Path(__file__).with_name("chat.lua")
_TOLD = "BENCH "
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What came of one run. Times are those of all answers, refusals too, which are counted apart."""

    answered: int
    refused: int  # with a status that is no success
    broken: int  # connections that failed, and answers that did not come
    duration_s: float
    p50_ms: float
    p99_ms: float

    @property
    def per_s(self) -> float:
        return self.answered / self.duration_s


def ask(side: Side, *, connections: int, size_bytes: int, seconds: int) -> Answers:
    """Ask a side over so many connections, each of which asks again as soon as it has its answer."""
    with tempfile.TemporaryDirectory(prefix="freehold-wrk-") as folder:
        body, headers = Path(folder) / "body", Path(folder) / "headers"
        body.write_bytes(body_of(side, size_bytes))
        headers.write_text("".join(f"{name}: {value}\n" for name, value in headers_of(side).items()))
        done = subprocess.run(
            [
                *(command("wrk", "wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={_PATIENCE_S}s"),
                *("-s", _SCRIPT, f"http://127.0.0.1:{side.port}{CHAT}"),
            ],
            env={**os.environ, "BENCH_BODY": str(body), "BENCH_HEADERS": str(headers)},
            capture_output=True,
            text=True,
            check=True,
        )
    return parse(done.stdout)


def parse(said: str) -> Answers:
    """Read the line that chat.lua adds to what wrk says. Raises ValueError if it is not there."""
    lines = [line for line in said.splitlines() if line.startswith(_TOLD)]
    if not lines:
        raise ValueError(f"wrk did not tell its figures: {said[-500:]!r}")
    told = json.loads(lines[-1].removeprefix(_TOLD))
    return Answers(
        answered=told["requests"] - told["refused"],
        refused=told["refused"],
        broken=told["broken"],
        duration_s=told["duration_us"] / 1e6,
        p50_ms=told["p50_us"] / 1000,
        p99_ms=told["p99_us"] / 1000,
    )
