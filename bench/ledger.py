# SPDX-License-Identifier: Apache-2.0
"""What the ledger promises: how many entries a second, how soon one is on disk, how large it may grow.

Run it alone: ``python -m bench.ledger``; ``--quick`` takes a look, ``--entries N`` another log than that of 10 million.
Entries a second and the time of an append are those of the estate's own ledger process, asked over its socket by
another process, as a gateway asks it: from the call of ``Ledger.admit`` to the answer that the entry is on disk, with
encoding, socket, salts and publications. It stands in the temporary directory: ``TMPDIR`` says whose disk is measured.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median

import uvloop
from bench.memory import pss_by_process
from bench.report import Row
from tests.ledger_builder import KEY, TARGETS, admission_bytes, call, decision, outcome, write_log

from freehold.admin.founding import found
from freehold.contract.estate import Estate
from freehold.ledger.client import LedgerClient
from freehold.ledger.tree.merkle import inclusion_proof
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.log import Log, NewEntry

_CALLERS = 64
_FEW, _SOME, _MANY = 20_000, 200_000, 10_000_000
_APPENDS = 2_000
_APPEND_BYTES = 1024  # about what an admission takes with its frame
_WARM_UP = 100_000
_APPENDED = 1_000_000
_STEP = 65_536
_PROOFS = 500
_VERIFIED = 400_000


def measure(directory: Path, *, quick: bool, entries: int = 0) -> Iterator[Row]:
    """Everything, in a directory of its own on the disk that is to be measured. ``entries``: of the large log."""
    entries = entries or (_SOME if quick else _MANY)
    appended, rounds = (_SOME, 3) if quick else (_APPENDED, 5)
    with _process(directory / "estate") as (estate, pid):
        yield from _one_caller(estate, directory)
        yield _many_callers(estate, rounds)
        yield _memory(estate, pid, appended)
    yield from _large(directory / "large", entries)
    yield _verifying(directory / "verified")


def _one_caller(estate: Estate, directory: Path) -> Iterator[Row]:
    """Appends, and between them the disk's own fdatasync after as many bytes, so that both meet the same disk."""
    appends_us, syncs_us = uvloop.run(_appends_and_syncs(estate, directory / "plain"))
    yield Row(name="ledger: fdatasync, p50", value=median(syncs_us), unit="us", samples=syncs_us)
    yield Row(name="ledger: strict append, one caller, p50", value=median(appends_us), unit="us", samples=appends_us)
    yield Row(name="ledger: fdatasync, p99", value=_p99(syncs_us), unit="us")
    yield Row(name="ledger: strict append, one caller, p99", value=_p99(appends_us), unit="us")
    yield Row(
        name="ledger: p99 of a strict append / of fdatasync",
        value=_p99(appends_us) / _p99(syncs_us),
        unit="",
        at_most=3.0,
    )


async def _appends_and_syncs(estate: Estate, plain: Path) -> tuple[list[float], list[float]]:
    appends_us, syncs_us = [], []
    descriptor = os.open(plain, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    client = await _client(estate, "one")
    for number in range(_APPENDS):
        begun = time.perf_counter()
        one = client.admit(call(f"one-{number}"), decision(allowed=False), targets=TARGETS, snapshot_version=1)
        await one.durable()
        appends_us.append((time.perf_counter() - begun) * 1e6)
        begun = time.perf_counter()
        os.write(descriptor, bytes(_APPEND_BYTES))
        os.fdatasync(descriptor)
        syncs_us.append((time.perf_counter() - begun) * 1e6)
    await client.close()
    os.close(descriptor)
    return appends_us, syncs_us


def _many_callers(estate: Estate, rounds: int) -> Row:
    """Each caller makes one call after the other: it waits for its admission, and leaves its outcome to the client."""
    rates = [uvloop.run(_rate(estate, number)) for number in range(rounds)]
    return Row(
        name=f"ledger: strict entries/s, {_CALLERS} callers",
        value=sorted(rates)[len(rates) // 2],
        unit="",
        at_least=_FEW,
        samples=rates,
    )


async def _rate(estate: Estate, number: int) -> float:
    client = await _client(estate, f"many-{number}")
    begun, before = time.perf_counter(), (await client.status()).size
    await _calls(client, f"many-{number}", callers=_CALLERS, entries=2 * _FEW)
    rate = ((await client.status()).size - before) / (time.perf_counter() - begun)
    await client.close()
    return rate


def _memory(estate: Estate, pid: int, appended: int) -> Row:
    """The most that the process has after a warm-up, over what it had at its end, while so many entries come in."""
    sizes = uvloop.run(_sizes(estate, pid, appended))
    return Row(
        name=f"ledger: growth of memory (PSS) over {appended:,} entries",
        value=(max(sizes) - sizes[0]) / 1e6,
        unit="MB",
        at_most=5.0,
        samples=[size / 1e6 for size in sizes],
    )


async def _sizes(estate: Estate, pid: int, appended: int) -> list[int]:
    client = await _client(estate, "memory")
    await _calls(client, "warm", callers=_CALLERS, entries=_WARM_UP)
    sizes = [_pss_bytes(pid)]
    for part in range(10):
        await _calls(client, f"memory-{part}", callers=_CALLERS, entries=appended // 10)
        sizes.append(_pss_bytes(pid))
    await client.close()
    return sizes


async def _calls(client: LedgerClient, name: str, *, callers: int, entries: int) -> None:
    async def caller(number: int) -> None:
        for at in range(entries // (2 * callers)):
            one = client.admit(call(f"{name}-{number}-{at}"), decision(), targets=TARGETS, snapshot_version=1)
            await one.durable()
            client.conclude(one, outcome(one.call_id))

    await asyncio.gather(*(caller(number) for number in range(callers)))
    while client.hello().in_flight:  # the last outcomes
        await client.status()


def _large(directory: Path, entries: int) -> Iterator[Row]:
    """A log of so many entries, each of a few bytes: what is measured depends on their number only."""
    _grow(directory, entries)
    begun = time.perf_counter()
    log = _open(directory, Disk())
    opened_s = time.perf_counter() - begun
    size = log.published_size
    log.close()
    yield Row(name=f"ledger: opening a log of {entries:,} entries", value=opened_s, unit="s", at_most=1.0)
    files, random = LedgerFiles(directory / "ledger"), Random(1)  # noqa: S311 - no secret
    proofs_ms = []
    for _ in range(_PROOFS):
        index = random.randrange(size)
        begun = time.perf_counter()
        inclusion_proof(index, size, files.subtree(size))
        proofs_ms.append((time.perf_counter() - begun) * 1000)
    yield Row(
        name=f"ledger: inclusion proof from {entries:,} entries, p50",
        value=sorted(proofs_ms)[len(proofs_ms) // 2],
        unit="ms",
        at_most=1.0,
        samples=proofs_ms,
    )
    yield Row(name=f"ledger: inclusion proof from {entries:,} entries, p99", value=_p99(proofs_ms), unit="ms")


def _grow(directory: Path, entries: int) -> None:
    log = _open(directory, _Unsynced())
    for first in range(0, entries, _STEP):
        log.append([NewEntry(b"%d" % index) for index in range(first, min(first + _STEP, entries))], "2026-11-22")
        log.publish()
    log.close()


def _open(directory: Path, disk: Disk) -> Log:
    return Log(directory / "ledger", salts=directory / "salts", signer=KEY, disk=disk)


class _Unsynced(Disk):
    """To make a large log quickly; nobody cuts the power here."""

    def sync(self, descriptor: int) -> None:
        pass

    def write_whole(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)

    def write_all(self, files: Iterable[tuple[Path, bytes]]) -> None:
        for path, data in files:
            self.write_whole(path, data)

    def sync_directory(self, path: Path) -> None:
        pass


def _verifying(directory: Path) -> Row:
    """Admissions of the usual size, everything derived and read again by an auditor's command, its start included."""
    ledger = write_log(directory, [admission_bytes(f"call-{number}") for number in range(_VERIFIED)])
    begun = time.perf_counter()
    command = [sys.executable, "-m", "freehold.verify.main", "log", str(ledger), "--vkey", KEY.vkey]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return Row(
        name="ledger: entries/s verified",
        value=_VERIFIED / (time.perf_counter() - begun),
        unit="",
        at_least=100_000,
    )


@contextmanager
def _process(directory: Path) -> Iterator[tuple[Estate, int]]:
    """The ledger of an estate, and its process."""
    estate = Estate(directory)
    found(estate)
    command = [sys.executable, "-m", "freehold.bootstrap.ledger", "--estate", str(directory)]
    process = subprocess.Popen(command)
    try:
        yield estate, process.pid
    finally:
        process.terminate()
        process.wait()


async def _client(estate: Estate, identity: str) -> LedgerClient:
    client = LedgerClient(estate.ledger_socket, identity=identity, admit_timeout_s=60.0)
    await client.start()
    await client.status()
    return client


def _pss_bytes(pid: int) -> int:
    return pss_by_process({"ledger": pid})["ledger"]


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[len(values) * 99 // 100]


def main() -> None:
    """Print the figures of the ledger alone."""
    parser = argparse.ArgumentParser(prog="python -m bench.ledger", description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller logs: a look, not a result")
    parser.add_argument("--entries", type=int, default=0, help="of the large log")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="freehold-ledger-") as directory:
        for row in measure(Path(directory), quick=given.quick, entries=given.entries):
            print(f"{row.name}: {row.value:.3f} {row.unit}  {row.target} {row.verdict}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
