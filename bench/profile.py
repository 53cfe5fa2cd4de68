# SPDX-License-Identifier: Apache-2.0
"""``make profile``: a flame graph of each hot path, by py-spy in an environment of its own, to bench/out/profile.

The paths are those of the suite: whole answers, streams in the caller's dialect, translated streams, and the ledger.
py-spy reads another process's memory, for which it needs root or the kernel's leave (``kernel.yama.ptrace_scope`` 0).
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.load.paced import listen
from bench.load.requests import PROMPTS, SMALL
from bench.load.wrk import ask
from bench.peers.freehold import Freehold
from bench.peers.installing import python_environment
from bench.peers.interface import Side, Sides
from bench.peers.places import OUT
from bench.peers.upstream import upstream

_CONNECTIONS = 16
_STREAMS = 128
_STREAM_S = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HotPath:
    """One hot path: whose process is looked at, and under what load."""

    name: str
    process: str
    load: Callable[[Sides, int], None]


def main() -> None:
    """Make all four."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=main.__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="of each")
    parser.add_argument("--rate", type=int, default=250, help="samples a second")
    parser.add_argument("--native", action="store_true", help="with the frames of native code")
    given = parser.parse_args()
    spy = python_environment("py-spy") / "py-spy"
    options = ["--duration", str(given.seconds), "--rate", str(given.rate), *(["--native"] if given.native else [])]
    folder = OUT / "profile"
    folder.mkdir(parents=True, exist_ok=True)
    with upstream() as direct, Freehold().running(direct.port) as sides:
        for path in _PATHS:
            print(f"{path.name}: {given.seconds} s", file=sys.stderr, flush=True)
            picture = folder / f"{path.name}.svg"
            _record([spy, "record", "--output", picture, *options], path, sides, given.seconds)
            print(picture)


def _record(command: list[str | Path], path: HotPath, sides: Sides, seconds: int) -> None:
    path.load(sides, 1)  # warm
    pid = sides.matching.pids[path.process]
    spying = subprocess.Popen(
        [*command, "--format", "flamegraph", "--pid", str(pid)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    path.load(sides, seconds + 1)
    _, said = spying.communicate()
    if spying.returncode:
        hint = "Run it as root, or set kernel.yama.ptrace_scope to 0."
        sys.exit(f"profile: py-spy could not look at process {pid}. {hint}\n{said.decode(errors='replace')[-800:]}")


def _calls(sides: Sides, seconds: int) -> None:
    ask(sides.matching, connections=_CONNECTIONS, size_bytes=PROMPTS[SMALL], seconds=seconds)


def _streams(side: Side, seconds: int) -> None:
    for _ in range(max(1, round(seconds / _STREAM_S))):
        listen(side, _STREAMS)


_PATHS = (
    HotPath(name="calls", process="gateway", load=_calls),
    HotPath(name="streams", process="gateway", load=lambda sides, seconds: _streams(sides.matching, seconds)),
    HotPath(
        name="streams-translated",
        process="gateway",
        load=lambda sides, seconds: _streams(sides.translated or sides.matching, seconds),
    ),
    HotPath(name="ledger", process="ledger", load=_calls),
)


if __name__ == "__main__":
    main()
