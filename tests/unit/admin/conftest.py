# SPDX-License-Identifier: Apache-2.0
"""An estate on disk with everything real but the ledger, the supervisor and the clock."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests import ports
from tests.facts_builder import organisation, provider, said, text
from tests.gguf_builder import Gguf

from freehold.admin.api import Api
from freehold.admin.founding import found
from freehold.admin.interface import Listening, Parts
from freehold.admin.means import Answer
from freehold.admin.operations import Asker, Operations
from freehold.admin.publish import Publisher
from freehold.admin.requests import ImportModel
from freehold.admin.state import State
from freehold.contract.attempt import Attempt, Bait, Reach, Tried
from freehold.contract.backend import EngineState, EngineStatus, Jail, Target
from freehold.contract.call import Call
from freehold.contract.decision import Decision
from freehold.contract.estate import Estate
from freehold.contract.record import LedgerPosition, Outcome
from freehold.contract.report import ProcessReport
from freehold.engine.messages import EstateProcesses
from freehold.errors import LedgerFault
from freehold.ledger.admission import Admission
from freehold.ledger.interface import LedgerHead, LedgerStatus, Prune, ReceiptForm
from freehold.settings import read_settings
from freehold.vault import Vault, own_signer

NOW_UNIX = 1_795_000_000.0


class FakeLedger:
    """Keeps acts in a list. ``fault`` is raised instead; ``silent`` never answers."""

    def __init__(self) -> None:
        self.acts: list[tuple[str, str, str, dict[str, str]]] = []
        self.fault: LedgerFault | None = None
        self.silent = False
        self.cosigned: list[str] = []

    async def record_act(
        self, kind: str, *, subject: str, operator: str, digests: Mapping[str, str] | None = None
    ) -> LedgerPosition:
        if self.silent:
            await asyncio.Event().wait()
        if self.fault is not None:
            raise self.fault
        self.acts.append((kind, subject, operator, dict(digests or {})))
        return LedgerPosition(origin="freehold.local/0", index=len(self.acts) - 1)

    async def forget_call(self, call: str, admission: int, *, operator: str) -> LedgerPosition:
        return await self.record_act("call.forget", subject=call, operator=operator)

    async def forget_day(self, day: str, *, operator: str) -> LedgerPosition:
        return await self.record_act("salts.expire", subject=day, operator=operator)

    async def receipt(self, position: LedgerPosition, *, key: str, form: ReceiptForm) -> bytes:
        raise AssertionError("the control process asks for no receipt")

    async def add_cosignatures(self, checkpoint: str) -> int:
        if self.fault is not None:
            raise self.fault
        self.cosigned.append(checkpoint)
        return 0

    async def prune(self, before: int | datetime, *, dry_run: bool) -> Prune:
        raise NotImplementedError

    async def publish(self) -> LedgerHead:
        if self.fault is not None:
            raise self.fault
        return LedgerHead(origin="freehold.local/0", size=len(self.acts), checkpoint="a signed note")

    async def status(self) -> LedgerStatus:
        if self.fault is not None:
            raise self.fault
        return LedgerStatus(
            origin="freehold.local/0",
            size=len(self.acts),
            published_size=0,
            waiting=0,
            open_admissions=0,
            gateways=1,
            free_bytes=10**9,
            full=False,
            fsync_us=40,
        )

    async def try_egress(self, bait: Bait) -> Tried:
        shut = (Attempt(name="tcp-ipv4", outcome=Reach.REFUSED, reason="EACCES"),)
        return Tried(process="ledger", pid=1, attempts=shut)

    def admit(self, call: Call, decision: Decision, *, targets: Sequence[Target], snapshot_version: int) -> Admission:
        raise AssertionError("the control process admits no call")

    def conclude(self, admission: Admission, outcome: Outcome) -> None:
        raise AssertionError("the control process concludes no call")


@dataclass
class FakeSupervisor:
    """Says that one engine runs, in a jail that lacks a part."""

    engines: tuple[EngineStatus, ...] = field(
        default=(
            EngineStatus(
                target="local", state=EngineState.READY, pid=1, jail=Jail(seccomp=True, missing=("landlock: none",))
            ),
        )
    )

    retried: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)

    woken: list[str] = field(default_factory=list)

    async def wake(self, target: str) -> None:
        self.woken.append(target)

    async def retry(self, model: str) -> None:
        self.retried.append(model)

    async def crash(self, target: str) -> None:
        self.crashed.append(target)

    async def try_egress(self, bait: Bait) -> tuple[Tried, ...]:
        shut = (Attempt(name="tcp-ipv4", outcome=Reach.REFUSED, reason="EACCES"),)
        return tuple(Tried(process=name, pid=1, attempts=shut) for name in ("supervisor", "gateway"))

    async def processes(self) -> EstateProcesses:
        return EstateProcesses(processes=(ProcessReport(name="ledger", pid=1, state="running"),), engines=self.engines)


@dataclass
class Steps:
    """Remembers the progress that it was told."""

    told: list[str] = field(default_factory=list)

    def asker(self, id: str = "local") -> Asker:  # noqa: A002
        return Asker(id=id, progress=lambda step: self.told.append(step.doing))


async def take_in(operations: Operations, request: ImportModel, asker: Asker) -> Answer:
    """Import a model as the admin port does."""
    permit = operations.permit_for(asker)
    return await operations.custody.import_model(request, asker.id, asker.told("importing"), permit)


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    estate = Estate(tmp_path / "estate")
    found(estate)
    return estate


@pytest.fixture
def ledger() -> FakeLedger:
    return FakeLedger()


@pytest.fixture
def supervisor() -> FakeSupervisor:
    return FakeSupervisor()


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
def state(estate: Estate) -> Iterator[State]:
    state = State(estate.state)
    yield state
    state.close()


@pytest.fixture
def parts(estate: Estate, state: State, ledger: FakeLedger, supervisor: FakeSupervisor) -> Parts:
    return Parts(
        estate=estate,
        listening=Listening(base_url="http://127.0.0.1:8080", admin_url="http://127.0.0.1:8081"),
        state=state,
        vault=Vault(estate.vault, signer=partial(own_signer, estate)),
        ledger=ledger,
        publisher=Publisher(confirmed_within_s=0.05),
        supervisor=supervisor,
    )


@pytest.fixture
def operations(estate: Estate, parts: Parts) -> Operations:
    return Operations(parts, read_settings(estate.settings), now_unix=lambda: NOW_UNIX, recorded_within_s=0.05)


@pytest.fixture
def gguf(tmp_path: Path) -> Callable[[], Path]:
    """Makes a sound GGUF file."""

    def make() -> Path:
        path = tmp_path / "Tiny.gguf"
        path.write_bytes(Gguf().build())
        return path

    return make


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


FACTS = {
    "organisations": {"american": organisation("US")},
    "providers": {"austin": provider("american", hosts=[said(host="api.austin.example.org")], dialects=["openai"])},
}
SETTINGS = """
[service.desk]
data_class = "personal"
aliases = ["desk-*"]
targets = ["big", "local"]

[service.site]
data_class = "public"
targets = ["big", "local"]

[target.big]
provider = "austin"
model = "big-1"

[provider.austin]
base_url = "https://api.austin.example.org/v1"

[grant.hub]
for = "import"
hosts = ["example.org"]
"""


@pytest.fixture
async def foreign_api(estate: Estate, operations: Operations) -> Api:
    """Of an estate with a provider, whose own rule keeps personal data from it."""
    estate.facts.mkdir(exist_ok=True)
    (estate.facts / "own.yaml").write_text(text(**FACTS))
    made = estate.settings.read_text().replace("[policy]", '[policy]\nset = "open"')
    estate.settings.write_text(made + SETTINGS)
    own = '@id("mine")\n@says("x")\nforbid (principal, action, resource)\n'
    own += "when { context.data_class > 1 }\nunless { resource.owned };\n"
    estate.policies.mkdir(exist_ok=True)
    (estate.policies / "own.cedar").write_text(own)
    await operations.start()
    api = Api(operations)
    await api.ask("POST", "reload", {}, "local")
    return api


async def look(api: Api, path: str, **fields: Any) -> Any:
    """What an operator sees at a path."""
    return await api.ask("GET", path, fields, "local")
