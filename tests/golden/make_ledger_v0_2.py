# SPDX-License-Identifier: Apache-2.0
"""How release 0.2 wrote the ledger in v0.2/ledger: once. It stays as it is for ever, so this refuses to write it again.

Calls of every kind go through the ledger's own service; witnesses of both kinds cosign; a call is forgotten; a copy is
pruned. Two entries are left in the journal, as a crash would.
"""

import asyncio
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.ledger_builder import KEY, ORIGIN, TARGETS, act_bytes, call, decision, outcome

from freehold.contract.record import Ending, LedgerPosition, Seam, SeamKind
from freehold.ledger.check.issuing import receipt_for, tlog_proof_for
from freehold.ledger.check.trust import parse_policy
from freehold.ledger.client import LedgerClient
from freehold.ledger.keeper.pruning import Retention
from freehold.ledger.keeper.service import LedgerService
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.home import make_home
from freehold.ledger.writing.log import Log, NewEntry
from freehold.signing.cosignature import cosign
from freehold.signing.keys import FileKey
from freehold.signing.note import KeyKind, parse_note

GOLDEN = Path(__file__).parent / "v0.2" / "ledger"
AT = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
PARIS = FileKey("witness.paris.example/w1", b"\x01" * 32, KeyKind.ED25519_COSIGNATURE)
ROME = FileKey("witness.rome.example/w1", b"\x02" * 32, KeyKind.ML_DSA_44_COSIGNATURE)
POLICY = (
    f"log {KEY.vkey}\nwitness paris {PARIS.vkey}\nwitness rome {ROME.vkey}\ngroup both all paris rome\nquorum both\n"
)
REQUEST = b'{"model":"gpt-4o","messages":[{"role":"user","content":"Who said: ed e subito sera?"}]}'
ANSWER = b'{"choices":[{"message":{"role":"assistant","content":"Salvatore Quasimodo."}}]}'
ENGINE = "sha256:" + "0e" * 32
TARGETS_NOW = (TARGETS[0], replace(TARGETS[1], engine_digest=ENGINE))


class Clock:
    """Each look at it is a millisecond later."""

    def __init__(self) -> None:
        self.at = AT

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


class Writing:
    """A ledger at work, and the files that come out of it."""

    def __init__(self, root: Path) -> None:
        self.directory = root / "ledger"
        self.salts = root / "salts"
        self.clock = Clock()
        self.positions: dict[str, LedgerPosition] = {}
        self.log = Log(self.directory, salts=self.salts, signer=KEY)
        self.service = LedgerService(
            self.log,
            root / "ledger.sock",
            publish_s=3600,
            retention=Retention(days=30, cosigned=True),
            witnesses=parse_policy(POLICY.encode()),
            now_utc=self.clock,
        )
        self.client = LedgerClient(root / "ledger.sock", identity="gateway-1")

    async def write(self) -> None:
        await self.service.start()
        await self.client.start()
        await self._call("call-old")
        await self._acts(300)
        for name in ("call-whole", "call-forgotten"):
            await self._call(name)
        await self._call("call-refused", allowed=False)
        await self._call("call-cancelled", ending=Ending.CANCELLED)
        await self._call("call-failed", ending=Ending.FAILED, error="engine_lost")
        await self._call("call-continued", ending=Ending.CONTINUED)
        await self.client.forget_call("call-forgotten", self.positions["call-forgotten"].index, operator="op-1")
        await self._acts(210)
        await self.cosign()
        await self._call("call-open", concluded=False)
        await self._acts(3)
        await self.client.publish()

    async def cosign(self) -> None:
        note = (await self.client.publish()).checkpoint
        text = parse_note(note.encode()).text
        at_unix = int(self.clock().timestamp())
        await self.client.add_cosignatures(note + cosign(text, PARIS, at_unix) + cosign(text, ROME, at_unix))

    async def prune(self) -> None:
        self.clock.at += timedelta(days=40)
        await self.client.prune(300, dry_run=False)
        await self.client.record_act("ledger.prune", subject="300", operator="op-1")
        await self.client.publish()

    async def close(self) -> None:
        await self.client.close()
        await self.service.close()

    async def _call(
        self,
        name: str,
        *,
        allowed: bool = True,
        concluded: bool = True,
        ending: Ending = Ending.COMPLETE,
        error: str = "",
    ) -> None:
        asked = call(name, body=REQUEST)
        admission = self.client.admit(asked, decision(allowed=allowed), targets=TARGETS_NOW, snapshot_version=9)
        self.positions[name] = await admission.durable()
        if not (allowed and concluded):
            return
        commitment = admission.answer_commitment()
        commitment.update(ANSWER)
        seam = Seam(left="claude", taken_by="local", kind=SeamKind.CONTINUED, error="provider_broke", at_bytes=17)
        result = replace(
            outcome(name, ending),
            error=error,
            answer=commitment.hexdigest(),
            answer_bytes=len(ANSWER),
            engine_digest=ENGINE,
            seams=(seam,) if ending is Ending.CONTINUED else (),
            answered_as="claude-opus-4-8-20261101" if ending is Ending.CONTINUED else "",
        )
        self.client.conclude(admission, result)

    async def _acts(self, count: int) -> None:
        for number in range(count):
            await self.client.record_act("key.create", subject=f"key-{number}", operator="op-1")


async def make(root: Path) -> None:
    """Write the ledger in ``root``, and copy what it is into GOLDEN."""
    writing = Writing(root)
    await writing.write()
    files: dict[str, bytes] = {
        "ledger.vkey": f"{KEY.vkey}\n".encode(),
        "trust.policy": POLICY.encode(),
        "request.json": REQUEST,
        "answer.json": ANSWER,
        "positions": "".join(f"{name} {at.index}\n" for name, at in writing.positions.items()).encode(),
    }
    for name, position in writing.positions.items():
        files[f"{name}.receipt.json"] = receipt_for(writing.directory, ORIGIN, position.index)
    whole = writing.positions["call-whole"]
    files["call-whole.salted.receipt.json"] = await writing.client.receipt(whole, key="key-1", form="json")
    files["call-whole.tlog-proof"] = tlog_proof_for(writing.directory, ORIGIN, whole.index).encode()
    files["call-whole.outcome.tlog-proof"] = tlog_proof_for(writing.directory, ORIGIN, whole.index + 1).encode()
    _leave_two_in_the_journal(writing, root)
    await writing.prune()
    await writing.close()
    shutil.copytree(writing.directory, GOLDEN / "pruned")
    for path, data in files.items():
        (GOLDEN / path).write_bytes(data)


def _leave_two_in_the_journal(writing: Writing, root: Path) -> None:
    """The golden log: a copy of the whole, with two acts more that no checkpoint covers yet."""
    copy = root / "copy"
    shutil.copytree(writing.directory, copy / "ledger")
    shutil.copytree(writing.salts, copy / "salts")
    make_home(copy / "ledger", Disk())
    log = Log(copy / "ledger", salts=copy / "salts", signer=KEY)
    log.append([NewEntry(act_bytes("act-1")), NewEntry(act_bytes("act-2"))], "2026-11-22")
    log.close()
    shutil.copytree(copy, GOLDEN)


if __name__ == "__main__":
    if GOLDEN.exists():
        raise SystemExit(f"{GOLDEN} is there, and stays as it is.")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(make(Path(folder)))
