# SPDX-License-Identifier: Apache-2.0
"""What every process of an estate does at its start: the same arguments, the same log lines, the same end."""

import argparse
import ctypes
import gc
import logging
import os
import resource
import signal
import sys

from freehold.contract.estate import Estate
from freehold.errors import FreeholdError
from freehold.settings import read_settings
from freehold.signals.logs import JsonLines, TextLines

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_GARBAGE = (10_000, 10, 10)  # new objects before the young are looked at, and looks before older ones are


def common_arguments(description: str) -> argparse.ArgumentParser:
    """The arguments that every process takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--estate", required=True, help="the estate's directory")
    parser.add_argument("--port", type=int, help="public port, instead of the one in freehold.toml")
    parser.add_argument("--admin-port", type=int, help="admin port, instead of the one in freehold.toml")
    parser.add_argument("--plaintext", action="store_true", help="listen without TLS beyond loopback")
    parser.add_argument("--supervisor", type=int, default=0, help="process whose end is to be this one's too")
    parser.add_argument("--sealed", action="store_true", help="whoever starts this process has sealed it")
    parser.add_argument("--listener", type=int, help="descriptor of its port, where it may open none itself")
    return parser


def arguments_of(*, port: int | None, admin_port: int | None, plaintext: bool) -> list[str]:
    """What was given, as the arguments of another process."""
    ports = (("--port", port), ("--admin-port", admin_port))
    given = [part for name, number in ports if number is not None for part in (name, str(number))]
    return [*given, "--plaintext"] if plaintext else given


def log_to_stderr(process: str, estate: str | None = None) -> None:
    """Log to standard error, which the supervisor writes to a file of the process's own. Never content of calls.

    ``estate``: the directory whose settings say in what form.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process) if estate and _wants_json(estate) else TextLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # what cannot be written is not shown instead


def _wants_json(estate: str) -> bool:
    """What cannot be read is told of in a moment, by whoever needs it."""
    try:
        return read_settings(Estate.find(estate).settings).log.format == "json"
    except FreeholdError:
        return False


def collect_seldom() -> None:
    """Look for garbage less often, and never among what the start made.

    Nearly all that a call makes is gone by counting. Hundreds of streams that begin together make so much that stays
    that Python would look at all of it again and again, while they wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)


def open_many_files() -> None:
    """Be allowed as many connections as an administrator lets this process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def end_with(supervisor_pid: int) -> None:
    """Be told to stop when the supervisor dies, however it dies: what it started must not outlive it. 0: nothing."""
    if supervisor_pid:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != supervisor_pid:  # it died before the kernel was told
            sys.exit("freehold: the supervisor is gone")


def has_terminal() -> bool:
    """Whether a terminal could hang up on this process."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
