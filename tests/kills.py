# SPDX-License-Identifier: Apache-2.0
"""A real ledger process, killed again and again while gateways write: nothing that it acknowledged may be missing.

Run it alone: ``python -m tests.kills --kills 500``. A kill keeps the page cache; what a power cut takes is modelled in
``tests/power.py``.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.ledger_builder import TARGETS, call, decision, outcome

from freehold.admin.founding import found
from freehold.contract.estate import Estate
from freehold.contract.record import Ending
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.client import LedgerClient
from freehold.ledger.record.commitment import request_commitment
from freehold.ledger.record.entry import AdmissionEntry, read_entry
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.salts import Salts

_CALLERS = 16
_LONGEST_LIFE_S = 0.08  # after a gateway is back; short, so that kills fall into starts and publications as well
_EARLY = 0.1  # the share of kills that do not wait for a gateway
_BODY = b'{"model":"gpt-4o"}'


@dataclass(slots=True, kw_only=True)
class Proved:
    """What came of it. Every list is to be empty; ``acknowledged`` and ``kills`` are not to be 0."""

    kills: int = 0
    acknowledged: int = 0
    entries: int = 0
    missing: list[str] = field(default_factory=list)
    without_salt: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # what the log as a whole says

    @property
    def holds(self) -> bool:
        return not (self.missing or self.without_salt or self.wrong)


async def prove(directory: Path, *, kills: int, seed: int = 0, durability: str = "strict") -> Proved:
    """Found an estate there, kill its ledger so many times, and look what is left."""
    estate = Estate(directory)
    found(estate)
    text = estate.settings.read_text(encoding="utf-8")
    settings = f'[ledger]\ndurability = "{durability}"\npublish_after_s = 0.02'
    estate.settings.write_text(text.replace("[ledger]", settings, 1), encoding="utf-8")
    random = Random(seed)  # noqa: S311 - no secret
    acknowledged: dict[str, int] = {}
    async with _gateway(estate, acknowledged) as client:
        for _ in range(kills):
            with _ledger(estate) as process:
                await _listening(estate, process)
                if random.random() > _EARLY:
                    await client.status()
                await asyncio.sleep(random.uniform(0, _LONGEST_LIFE_S))
        with _ledger(estate, end=False) as last:
            await _listening(estate, last)
            await client.status()
    proved = Proved(kills=kills, acknowledged=len(acknowledged))
    last.terminate()
    last.wait()
    return _examined(estate, acknowledged, proved)


@contextlib.contextmanager
def _ledger(estate: Estate, *, end: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    estate.ledger_socket.unlink(missing_ok=True)
    process = start_ledger(estate)
    try:
        yield process
    except BaseException:
        end = True
        raise
    finally:
        if end:
            process.kill()
            process.wait()


def start_ledger(estate: Estate, *, stderr: int | None = None) -> subprocess.Popen[bytes]:
    """The estate's own ledger process, without a supervisor."""
    command = [sys.executable, "-m", "freehold.bootstrap.ledger", "--estate", str(estate.directory)]
    return subprocess.Popen(command, stderr=stderr)


async def _listening(estate: Estate, process: subprocess.Popen[bytes]) -> None:
    while not estate.ledger_socket.exists():
        if process.poll() is not None:
            raise RuntimeError(f"the ledger did not start: it ended with {process.returncode}")
        await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def _gateway(estate: Estate, acknowledged: dict[str, int]) -> AsyncIterator[LedgerClient]:
    client = LedgerClient(estate.ledger_socket, identity="gateway-1", admit_timeout_s=60.0, retry_s=0.01)
    await client.start()
    told = asyncio.Event()
    callers = [asyncio.create_task(_call(client, number, acknowledged, told)) for number in range(_CALLERS)]
    try:
        yield client
    finally:
        told.set()
        await asyncio.gather(*callers)
        await client.close()


async def _call(client: LedgerClient, caller: int, acknowledged: dict[str, int], told: asyncio.Event) -> None:
    """One call after the other, until told to stop; the ledger is up again by then."""
    number = 0
    while not told.is_set():
        number += 1
        one = call(f"call-{caller}-{number}", body=_BODY)
        admission = client.admit(one, decision(), targets=TARGETS, snapshot_version=1)
        acknowledged[one.id] = (await admission.durable()).index
        client.conclude(admission, outcome(one.id))


def _examined(estate: Estate, acknowledged: dict[str, int], proved: Proved) -> Proved:
    report = verify_ledger(estate.ledger, estate.ledger_vkey.read_text(encoding="utf-8").strip())
    proved.entries = report.size
    if report.with_two_outcomes or report.stray_outcomes or report.unknown:
        proved.wrong.append(f"{report}")
    if report.without_outcome:
        proved.wrong.append(f"{report.without_outcome} calls were never closed")
    if report.outcomes[Ending.COMPLETE] < len(acknowledged):
        proved.wrong.append(f"{len(acknowledged)} calls were acknowledged and concluded, and the log has {report}")
    entries = [read_entry(data) for _, data in LedgerFiles(estate.ledger).entries(0, report.size)]
    salts = Salts(estate.salts, Disk())
    for call_id, index in acknowledged.items():
        entry = entries[index] if index < len(entries) else None
        if not isinstance(entry, AdmissionEntry) or entry.call != call_id:
            proved.missing.append(call_id)
            continue
        salt = salts.find(entry.at[:10], index)
        if salt is None or request_commitment(salt, _BODY) != entry.request:
            proved.without_salt.append(call_id)
    return proved


def main() -> None:
    """Kill, look, and say what came of it; exits with 1 if anything is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=main.__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--durability", choices=("strict", "relaxed"), default="strict")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="freehold-kills-") as directory:
        proved = asyncio.run(prove(Path(directory), kills=given.kills, seed=given.seed, durability=given.durability))
    print(  # noqa: T201
        f"{given.durability}: {proved.kills} kills (seed {given.seed}), {proved.entries} entries,"
        f" {proved.acknowledged} calls acknowledged; missing: {len(proved.missing)},"
        f" without their salt: {len(proved.without_salt)}, wrong: {proved.wrong or 'nothing'}"
    )
    sys.exit(0 if proved.holds else 1)


if __name__ == "__main__":
    main()
