# SPDX-License-Identifier: Apache-2.0
"""Real processes, small ones; every wait is for an event, and back-off passes on a clock that nobody waits for."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.engine_fakes import FakeClock

from freehold.contract.report import ProcessReport
from freehold.engine.supervise import Child, Patience, Program, Watch, always
from freehold.errors import EngineUnavailable, VaultError


class Story:
    """Every report of a child, and a way to wait for the next of a state."""

    def __init__(self) -> None:
        self.reports: asyncio.Queue[ProcessReport] = asyncio.Queue()

    def note(self, report: ProcessReport) -> None:
        self.reports.put_nowait(report)

    async def until(self, state: str) -> ProcessReport:
        while (report := await self.reports.get()).state != state:
            pass
        return report


async def at_once() -> None:
    return


async def never() -> None:
    await asyncio.Event().wait()


def shell(script: str) -> Program:
    return Program(argv=("/bin/sh", "-c", script), env={"PATH": os.environ["PATH"]})


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "child.log"


async def test_a_process_runs_once_it_is_ready_and_is_gone_once_stopped(story: Story, log: Path) -> None:
    child = Child("it", always(shell("exec sleep 60")), Watch(ready=at_once, changed=story.note), log)
    child.start()
    report = await story.until("running")
    assert Path(f"/proc/{report.pid}").exists()
    await child.stop()
    assert not Path(f"/proc/{report.pid}").exists()
    assert child.report.state == "stopped"
    assert child.report.pid == 0


async def test_a_process_that_is_killed_for_a_drill_is_started_again(story: Story, log: Path, clock: FakeClock) -> None:
    watch = Watch(ready=at_once, changed=story.note)
    child = Child("it", always(shell("exec sleep 60")), watch, log, Patience(clock=clock))
    child.kill()  # nothing is there to be killed
    child.start()
    await story.until("running")
    child.kill()
    assert "SIGKILL" in (await story.until("restarting")).reason
    assert (await story.until("running")).restarts == 1
    await child.stop()
    child.kill()


async def test_a_process_that_dies_is_started_again_with_doubled_delays(
    story: Story, log: Path, clock: FakeClock
) -> None:
    patience = Patience(longest_delay_s=0.3, clock=clock)
    child = Child("it", always(shell("exec sleep 60")), Watch(ready=at_once, changed=story.note), log, patience)
    child.start()
    for _ in range(4):
        os.kill((await story.until("running")).pid, signal.SIGKILL)
        assert "SIGKILL" in (await story.until("restarting")).reason
    assert (await story.until("running")).restarts == 4
    assert clock.slept_s == [0.1, 0.2, 0.3, 0.3]
    await child.stop()


async def test_a_process_that_was_healthy_for_long_starts_again_without_delay(
    story: Story, log: Path, clock: FakeClock
) -> None:
    patience = Patience(healthy_s=30, clock=clock)
    child = Child("it", always(shell("exec sleep 60")), Watch(ready=at_once, changed=story.note), log, patience)
    child.start()
    for lived_s in (1, 1, 100):
        running = await story.until("running")
        clock.now_s += lived_s
        os.kill(running.pid, signal.SIGKILL)
        await story.until("restarting")
    await story.until("running")
    assert clock.slept_s == [0.1, 0.2, 0.1]
    await child.stop()


async def test_what_it_writes_is_in_its_log_which_nobody_else_can_read(story: Story, log: Path) -> None:
    child = Child("it", always(shell("echo said; exec sleep 60")), Watch(ready=_written(log), changed=story.note), log)
    child.start()
    await story.until("running")
    await child.stop()
    assert log.read_text() == "said\n"
    assert log.stat().st_mode & 0o777 == 0o600


async def test_a_long_log_is_cut_and_its_last_part_kept(story: Story, log: Path) -> None:
    log.parent.mkdir()
    log.write_bytes(b"x" * (9 * 2**20))
    trimmed = asyncio.Event()

    async def second_look() -> None:
        if log.stat().st_size == 0:
            trimmed.set()

    watch = Watch(ready=at_once, health=second_look, changed=story.note)
    child = Child("it", always(shell("exec sleep 60")), watch, log, Patience(health_every_s=0.01))
    child.start()
    await trimmed.wait()
    await child.stop()
    assert log.with_suffix(".old").stat().st_size == 9 * 2**20


async def test_nothing_of_its_process_group_is_left(story: Story, log: Path, tmp_path: Path) -> None:
    """Also where the leader dies by itself and its own child ignores SIGTERM."""
    pid_file = tmp_path / "grandchild"
    script = f"(trap '' TERM; echo $$ > {pid_file}; exec sleep 60) & wait"
    child = Child("it", always(shell(script)), Watch(ready=_written(pid_file), changed=story.note), log)
    child.start()
    leader = (await story.until("running")).pid
    members = _group(leader)
    assert len(members) == 2
    os.kill(leader, signal.SIGKILL)
    await story.until("restarting")
    await child.stop()
    while [pid for pid in members if _alive(pid)]:
        await asyncio.sleep(0.005)


async def test_a_process_that_ignores_the_polite_signal_is_killed(story: Story, log: Path, tmp_path: Path) -> None:
    deaf = tmp_path / "deaf"
    script = f"trap '' TERM; echo > {deaf}; while :; do sleep 60; done"
    child = Child(
        "it", always(shell(script)), Watch(ready=_written(deaf), changed=story.note), log, Patience(grace_s=0)
    )
    child.start()
    pid = (await story.until("running")).pid
    await child.stop()
    assert not _alive(pid)


async def test_a_second_request_to_stop_does_not_spare_it(story: Story, log: Path, tmp_path: Path) -> None:
    deaf = tmp_path / "deaf"
    script = f"trap '' TERM; echo > {deaf}; while :; do sleep 60; done"
    patience = Patience(grace_s=0.05)
    child = Child("it", always(shell(script)), Watch(ready=_written(deaf), changed=story.note), log, patience)
    child.start()
    pid = (await story.until("running")).pid
    await asyncio.gather(child.stop(), child.stop())
    assert not _alive(pid)


async def test_a_process_of_somebody_else_is_not_touched(story: Story, log: Path) -> None:
    other = await asyncio.create_subprocess_exec("/bin/sleep", "60")
    child = Child("it", always(shell("exec sleep 60")), Watch(ready=at_once, changed=story.note), log)
    child.start()
    await story.until("running")
    await child.stop()
    assert other.returncode is None
    other.kill()
    await other.wait()


async def test_weights_that_may_not_load_end_in_failed_and_not_in_a_loop(story: Story, log: Path) -> None:
    @asynccontextmanager
    async def refused() -> AsyncIterator[Program]:
        raise VaultError("the weights are not what was imported")
        yield

    child = Child("it", refused, Watch(ready=at_once, changed=story.note), log)
    child.start()
    report = await story.until("failed")
    assert (report.reason, report.restarts) == ("the weights are not what was imported", 0)


async def test_an_exit_that_would_only_happen_again_ends_in_failed(story: Story, log: Path) -> None:
    watch = Watch(ready=never, hopeless=lambda status: f"hopeless, by {status}", changed=story.note)
    child = Child("it", always(shell("exit 65")), watch, log)
    child.start()
    assert (await story.until("failed")).reason == "hopeless, by 65"


async def test_dying_too_often_before_it_is_ready_ends_in_failed(story: Story, log: Path, clock: FakeClock) -> None:
    patience = Patience(early_deaths=3, clock=clock)
    child = Child("it", always(shell("kill -9 $$")), Watch(ready=never, changed=story.note), log, patience)
    child.start()
    report = await story.until("failed")
    assert report.restarts == 2
    assert "SIGKILL" in report.reason


async def test_a_failed_one_may_be_started_again(story: Story, log: Path, tmp_path: Path) -> None:
    corrected = tmp_path / "corrected"
    watch = Watch(ready=_written(corrected), hopeless=lambda _: "lacks a file", changed=story.note)
    child = Child("it", always(shell(f"test -e {corrected} && exec sleep 60")), watch, log)
    child.start()
    await story.until("failed")
    corrected.write_text("x")
    child.start()
    await story.until("running")
    await child.stop()


async def test_a_program_that_is_not_there_ends_in_failed(story: Story, log: Path) -> None:
    child = Child("it", always(Program(argv=("/no/such",), env={})), Watch(ready=at_once, changed=story.note), log)
    child.start()
    assert (await story.until("failed")).reason == "it cannot be started"


async def test_one_that_no_longer_answers_is_killed_and_started_again(story: Story, log: Path) -> None:
    async def unwell() -> None:
        raise EngineUnavailable("it does not answer")

    patience = Patience(health_every_s=0.01, unhealthy_checks=2)
    watch = Watch(ready=at_once, health=unwell, changed=story.note)
    child = Child("it", always(shell("exec sleep 60")), watch, log, patience)
    child.start()
    first = await story.until("running")
    assert "no longer answered" in (await story.until("restarting")).reason
    assert not _alive(first.pid)
    await child.stop()


async def test_one_that_is_not_ready_in_time_is_killed_and_started_again(story: Story, log: Path) -> None:
    child = Child(
        "it", always(shell("exec sleep 60")), Watch(ready=never, changed=story.note), log, Patience(ready_s=0.01)
    )
    child.start()
    assert "not ready" in (await story.until("restarting")).reason
    await child.stop()


async def test_it_gets_its_descriptors_and_no_other(story: Story, log: Path, tmp_path: Path) -> None:
    listing = tmp_path / "listing"
    given, kept_back = os.open(tmp_path, os.O_RDONLY), os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(kept_back, True)
    script = f"ls /proc/$$/fd > {listing}.part; mv {listing}.part {listing}; exec sleep 60"
    program = Program(argv=("/bin/sh", "-c", script), env={"PATH": os.environ["PATH"]}, pass_fds=(given,))
    child = Child("it", always(program), Watch(ready=_written(listing), changed=story.note), log)
    child.start()
    await story.until("running")
    await child.stop()
    assert str(given) in listing.read_text().split()
    assert str(kept_back) not in listing.read_text().split()
    os.close(given)
    os.close(kept_back)


def _written(path: Path) -> Callable[[], Awaitable[None]]:
    async def wait() -> None:
        while not (path.exists() and path.stat().st_size):
            await asyncio.sleep(0.005)

    return wait


def _group(leader: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _lives_in(leader, pid)]


def _lives_in(leader: int, pid: int) -> bool:
    state, _, group = _stat(pid)
    return state not in {"", "Z"} and int(group) == leader


def _alive(pid: int) -> bool:
    return _stat(pid)[0] not in {"", "Z"}


def _stat(pid: int) -> list[str]:
    """State, parent and process group; an empty state where there is no such process, or none any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
    except (FileNotFoundError, ProcessLookupError):
        return ["", "", ""]
