# SPDX-License-Identifier: Apache-2.0
"""Starts an estate's supervisor from outside, finds it again, and stops it. Touches no process but that one.

Every command goes through here, most of them to an estate that is up: what only a start needs is loaded by a start.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from freehold.admin.client import AdminClient
from freehold.admin.readable import readable, require_estate, require_own
from freehold.contract.estate import Estate
from freehold.errors import EstateError, SettingsError
from freehold.files.held import hold_within, is_held

OPERATOR_TOKEN = "FREEHOLD_OPERATOR"  # the variable that has the token of whoever acts  # noqa: S105 - its name

_POLL_S = 0.02
_START_S = 60.0
_STOP_S = 60.0
_ROOM_BYTES = 1 << 20
_TURN_S = 60.0  # longer than a start takes; an import into an estate that is down may take longer still


def supervisor_pid(estate: Estate) -> int | None:
    """The process that supervises the estate now, if one does: it holds the lock that its pid is written in."""
    try:
        with readable(estate):
            lock = estate.lock.open("rb")
    except FileNotFoundError:
        return None
    with lock:
        written = lock.read().strip() if is_held(lock.fileno()) else b""
    return int(written) if written.isdigit() else None


def start_supervisor(
    estate: Estate, options: Sequence[str], *, detach: bool, sealed: bool = False
) -> subprocess.Popen[bytes]:
    """Start the supervisor. Detached, it outlives this process and its terminal. Its log is run/log/supervisor.log.

    Sealed, a warden is started, which starts the supervisor, and ends when it does and as it does. Raises EstateError
    where the disk is full.
    """
    require_room(estate)
    estate.logs.mkdir(parents=True, exist_ok=True)
    warden = [sys.executable, "-m", "freehold.seal.warden", str(estate.run)] if sealed else []
    supervisor = [sys.executable, "-m", "freehold.bootstrap.supervisor", "--estate", str(estate.directory)]
    with supervisor_log(estate).open("ab") as log:
        return subprocess.Popen(
            [*warden, *supervisor, *options],
            env={name: value for name, value in os.environ.items() if name != OPERATOR_TOKEN},  # it is this command's
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=detach,
        )


def require_room(estate: Estate, *, least_bytes: int = _ROOM_BYTES) -> None:
    """Raise EstateError where not even a log could be written: nothing would start, and nothing could say why."""
    free_bytes = shutil.disk_usage(estate.directory).free
    if free_bytes < least_bytes:
        raise EstateError(
            f"the disk of {estate.directory} is full: {free_bytes} bytes are free",
            hint="Free space on it; docs/tasks/operate.md says what may go.",
        )


def supervisor_log(estate: Estate) -> Path:
    """Where the supervisor says what it does, and why it ended."""
    return estate.logs / "supervisor.log"


def await_control(estate: Estate, supervisor: subprocess.Popen[bytes] | None = None) -> AdminClient:
    """The control process, once it answers. Raises EstateError with the supervisor's last words if it ends first."""
    client = AdminClient(estate.control_socket)
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if supervisor is not None and supervisor.poll() is not None:
            raise EstateError(
                f"the estate did not start: {_last_words(estate)}", hint=f"{supervisor_log(estate)} has all of it."
            )
        with suppress(EstateError):
            client.require()
            return client
        time.sleep(_POLL_S)
    raise EstateError(
        "the control process does not answer",
        hint=f"{estate.logs} says why. 'freehold down' stops a process that hangs, too.",
    )


def stop_supervisor(estate: Estate) -> bool:
    """Ask the supervisor to stop all that it started, and wait until it has. False if there was none."""
    pid = supervisor_pid(estate)
    if pid is None:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_S + _calls_finish_s(estate)
    while supervisor_pid(estate) is not None or not _has_ended(pid):
        if time.monotonic() > deadline:
            raise EstateError(f"process {pid} did not stop", hint=f"{supervisor_log(estate)} says why.")
        time.sleep(_POLL_S)
    return True


@contextmanager
def control(estate: Estate) -> Iterator[AdminClient]:
    """The estate's control process; where the estate is down, one that is there for this act alone."""
    require_estate(estate)
    with turn(estate):
        if supervisor_pid(estate) is None:
            with acting(estate) as client:
                yield client
            return
    yield await_control(estate)


@contextmanager
def acting(estate: Estate, *, sealed: bool = False) -> Iterator[AdminClient]:
    """A control process for one act, of an estate that is down. Whoever asks for it has the turn.

    It ends with this process, however this one ends: an estate that only acts serves nobody and keeps others from it.
    """
    from freehold.bootstrap.soundness import check_home, check_law  # noqa: PLC0415 - takes longer to load than to ask

    require_own(estate)
    check_law(estate)
    check_home(estate)
    options = ["--acts-only", "--supervisor", str(os.getpid())]
    supervisor = start_supervisor(estate, options, detach=True, sealed=sealed)
    try:
        yield await_control(estate, supervisor)
    finally:
        supervisor.terminate()
        supervisor.wait()


@contextmanager
def turn(estate: Estate, *, patience_s: float = _TURN_S) -> Iterator[None]:
    """Be the only command that starts something on this estate. Raises EstateError where another takes too long."""
    with readable(estate):
        descriptor = os.open(estate.directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not hold_within(descriptor, patience_s):
            raise EstateError(
                f"another command is at work on {estate.directory}, which is down or just starting",
                hint="Wait until it is done; 'freehold status' shows what runs.",
            )
        yield
    finally:
        os.close(descriptor)


def _calls_finish_s(estate: Estate) -> float:
    """How long calls under way may take to finish. What cannot be read any more keeps nobody from stopping."""
    from freehold.settings import read_settings  # noqa: PLC0415 - only a stop needs it

    try:
        return read_settings(estate.settings).gateway.finished_within_s
    except SettingsError:
        return 0.0


def _has_ended(pid: int) -> bool:
    """Its lock is free a moment before. One that has ended may be there still, until its parent asks how."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] in {"Z", "X"}


def _last_words(estate: Estate) -> str:
    lines = supervisor_log(estate).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].partition("freehold: ")[2] or lines[-1] if lines else "it said nothing"
