# SPDX-License-Identifier: Apache-2.0
"""One target's engine: verified, planned, started in its jail, put to sleep when idle. Serves no call itself."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from freehold.channel import reachable_path
from freehold.contract.backend import EngineState, EngineStatus
from freehold.contract.estate import Estate
from freehold.contract.report import ProcessReport
from freehold.contract.weights import VerifiedWeights
from freehold.engine import build, llamacpp, probe, vllm
from freehold.engine.host import this_host
from freehold.engine.order import Order, Report
from freehold.engine.plan import Host, choose
from freehold.engine.rounds import Rounds
from freehold.engine.supervise import Child, Patience, Program, Watch
from freehold.errors import EngineUnavailable, EstateError, SettingsError
from freehold.settings import EngineTargetSection

_REPORT_DECODER: Final = msgspec.json.Decoder(Report)

_SOCKET: Final = "engine.sock"  # llama-server takes a host for a socket by this ending
_POLL_S: Final = 0.02
# Threads of the engine that wait for each other stop spinning sooner than is usual: on a busy host whoever spins takes
# the core from the one that is waited for.
# Without a HOME Python has the system look the user up, which may ask a daemon over a unix socket.
_ENVIRONMENT: Final = {"HOME": "/", "LC_ALL": "C.UTF-8", "GOMP_SPINCOUNT": "1000"}
_KEPT_ENVIRONMENT: Final = ("LD_LIBRARY_PATH",)  # nothing else of the supervisor's is the engine's business
_STATES: Final = {
    "starting": EngineState.STARTING,
    "running": EngineState.READY,
    "restarting": EngineState.RESTARTING,
    "failed": EngineState.FAILED,
    "stopped": EngineState.ASLEEP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """How engines are started and awaited."""

    host: Callable[[], Host] = this_host
    worker: tuple[str, ...] = (sys.executable, "-I", "-m", "freehold.engine.worker")
    patience: Patience = field(default_factory=lambda: Patience(early_deaths=3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all engines of an estate have in common."""

    estate: Estate
    verify: Callable[[str], VerifiedWeights]  # of a target; reads the whole file; raises VaultError
    sealed: bool  # no engine without the whole jail
    means: Means


class OwnedEngine:
    """The engine of one target. Its weights are verified before every start, not only the first."""

    def __init__(
        self, target: str, section: EngineTargetSection, terms: Terms, changed: Callable[[EngineStatus], None]
    ) -> None:
        self._section = section
        self._terms = terms
        self._changed = changed
        self._clock = terms.means.patience.clock
        self._calls: dict[object, int] = {}
        self._idle_since_s = self._clock.monotonic()
        self._rounds = Rounds(self._clock.monotonic)
        self._stopping = self._wanted = False
        self._report_fd = -1
        self._folder = terms.estate.engine_folder(target)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._address = reachable_path(self._folder / _SOCKET)
        self.status = EngineStatus(
            target=target,
            state=EngineState.ASLEEP,
            engine=section.engine,
            model=section.model,
            socket=str(self._folder / _SOCKET),
            queue=section.queue,
        )
        self._child = Child(
            f"engine {target}",
            self._prepare,
            Watch(ready=self._ready, health=self._healthy, hopeless=self._hopeless, changed=self._follow),
            self._log,
            terms.means.patience,
        )

    @property
    def process(self) -> ProcessReport:
        return self._child.report

    def wake(self) -> None:
        """Start it if it is asleep. One that has failed stays so until a person has acted."""
        self._wanted = True
        if self._child.report.state == "stopped" and not self._stopping:
            self._child.start()

    def kill(self) -> None:
        """Have its process die, as a crash would."""
        self._child.kill()

    def retry(self) -> None:
        """Start it again if it had failed."""
        if self.status.state is EngineState.FAILED:
            self._child.start()

    async def sleep(self) -> None:
        """Stop the process and give its memory back."""
        self._wanted, self._stopping = False, True
        self._say(replace(self.status, state=EngineState.ASLEEP))  # before it ends, so that new calls wait for the next
        await self._child.stop()
        self._close_report()
        self._stopping = False
        if self._wanted:
            self._child.start()

    def use(self, user: object, calls: int) -> None:
        """Note how many calls a gateway has with it."""
        had = self._calls.pop(user, 0)
        if calls:
            self._calls[user] = calls
        if had or calls:
            self._idle_since_s = self._clock.monotonic()

    @property
    def drowsy(self) -> bool:
        """Whether it has been ready and idle for as long as the target says."""
        idle_s = self._clock.monotonic() - self._idle_since_s
        return self.status.state is EngineState.READY and not self._calls and 0 < self._section.sleep_after_s <= idle_s

    @asynccontextmanager
    async def _prepare(self) -> AsyncIterator[Program]:
        """Verify, plan, and write the order. Raises OperatorError when there is nothing that may be started."""
        program = await asyncio.to_thread(self._program)
        weights = await self._verified()
        with ExitStack() as descriptors:
            descriptors.callback(weights.close)
            program.require(weights)
            digest = await asyncio.to_thread(build.digest_of, program.file)
            self.status = replace(self.status, engine_digest=digest)
            order = self._order(weights, program)
            (self._folder / _SOCKET).unlink(missing_ok=True)
            self._close_report()
            self._report_fd = os.memfd_create("report", os.MFD_CLOEXEC)
            letter = _letter(msgspec.json.encode(order))
            descriptors.callback(os.close, letter)
            yield Program(
                argv=self._terms.means.worker,
                env=_ENVIRONMENT | {key: os.environ[key] for key in _KEPT_ENVIRONMENT if key in os.environ},
                pass_fds=weights.fds,
                stdin=letter,
                stdout=self._report_fd,
            )

    def _program(self) -> build.Program:
        """Raises EstateError where nothing of the kind can be started."""
        if self._terms.sealed and self._section.engine == vllm.NAME:
            raise EstateError(
                "vLLM lives on connections between its own processes, and in a sealed estate the kernel refuses them: "
                "start without --sealed, or give the target engine = 'llamacpp' and a GGUF model"
            )
        return build.program_of(self._section, self._terms.estate.engines)

    async def _verified(self) -> VerifiedWeights:
        reading = asyncio.ensure_future(asyncio.to_thread(self._terms.verify, self.status.target))
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            reading.add_done_callback(_close_weights)  # the thread cannot be stopped; what it opens must be closed
            raise

    def _order(self, weights: VerifiedWeights, program: build.Program) -> Order:
        plan = choose(self._section, weights, self._terms.means.host())
        self.status = replace(
            self.status,
            context_tokens=plan.context_tokens,
            slots=plan.slots,
            threads=plan.threads,
            queue=plan.queue,
            embeds=weights.embeds,
            weights=weights.assurance,
            vouched=weights.standing,
        )
        return Order(
            model=weights.model.name,
            weights_fd=weights.fd,
            folder=str(self._folder),
            socket=_SOCKET,
            parent_pid=os.getpid(),
            plan=plan,
            embeds=weights.embeds,
            chat_template=self._template(),
            binary=str(program.server or ""),
            vllm=vllm.order(self._section, program.environment, weights) if program.environment else None,
            sealed=self._terms.sealed,
        )

    def _template(self) -> str:
        if not self._section.chat_template:
            return ""
        path = self._terms.estate.directory / self._section.chat_template
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise SettingsError(f"[target.{self.status.target}] chat_template: {path} cannot be read as text") from exc

    async def _ready(self) -> None:
        while not await self._loaded():  # noqa: ASYNC110 - another process sets no event
            await asyncio.sleep(_POLL_S)
        report = self._report()
        if report is None:
            raise EngineUnavailable(f"the engine did not say what its jail holds; {self._log} may say why")
        self._rounds.begin()
        status = replace(self.status, build=report.build, jail=report.jail)
        self.status = await (self._vllm_at_work(status) if status.engine == vllm.NAME else self._at_work(status))

    async def _at_work(self, status: EngineStatus) -> EngineStatus:
        said = await probe.properties(self._address)
        return replace(
            status,
            build=f"{status.build} {said.build_info}" if status.build == llamacpp.NAME else status.build,
            slots=said.total_slots,
            tools=said.chat_template_caps.supports_tools,
            fim=not status.embeds and await probe.fills_in_the_middle(self._address),
        )

    async def _vllm_at_work(self, status: EngineStatus) -> EngineStatus:
        """It does not say whether the template has tools; whoever names a parser for calls says so."""
        card = await probe.card(self._address)
        return replace(status, context_tokens=card.max_model_len, tools=bool(self._section.tool_parser))

    async def _loaded(self) -> bool:
        try:
            return await probe.is_loaded(self._address)
        except EngineUnavailable:
            return False

    async def _healthy(self) -> None:
        if not await probe.is_loaded(self._address):
            raise EngineUnavailable("the engine says that it is not well")
        if self._section.engine != vllm.NAME:  # whose health is that of its work
            await self._rounds.look(self._address)

    def _hopeless(self, exit_status: int) -> str:
        """A signal may pass, such as one for want of memory; what the process decided by itself will not."""
        if exit_status < 0:
            return ""
        report = self._report()
        if report is not None and report.jail.missing and self._section.engine == vllm.NAME:
            return f"vLLM runs only in its whole jail, and this host cannot give it: {'; '.join(report.jail.missing)}"
        if self._terms.sealed and report is not None and not report.jail.sealed:
            return f"--sealed wants the whole jail, and this host cannot give it: {'; '.join(report.jail.missing)}"
        return f"the engine could not load the model {self._section.model}; {self._log} says why"

    def _report(self) -> Report | None:
        """What the process said before it touched the weights, if it came so far."""
        try:
            return _REPORT_DECODER.decode(os.pread(self._report_fd, 65536, 0))
        except msgspec.MsgspecError:
            return None

    def _follow(self, process: ProcessReport) -> None:
        if process.state == "running":
            self._idle_since_s = self._clock.monotonic()
        self._say(
            replace(
                self.status,
                state=_STATES[process.state],
                pid=process.pid,
                restarts=process.restarts,
                reason=process.reason,
            )
        )

    def _say(self, status: EngineStatus) -> None:
        self.status = status
        self._changed(status)

    @property
    def _log(self) -> Path:
        return self._terms.estate.logs / f"engine-{self.status.target}.log"

    def _close_report(self) -> None:
        if self._report_fd >= 0:
            os.close(self._report_fd)
            self._report_fd = -1


def _letter(content: bytes) -> int:
    """A descriptor to read the content from."""
    descriptor = os.memfd_create("order", os.MFD_CLOEXEC)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _close_weights(reading: asyncio.Future[VerifiedWeights]) -> None:
    if not reading.cancelled() and reading.exception() is None:
        reading.result().close()
