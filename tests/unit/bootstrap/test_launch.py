# SPDX-License-Identifier: Apache-2.0
"""Commands that start something on an estate take turns, and what acts for one of them ends with it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from freehold.admin.founding import found
from freehold.bootstrap.launch import control, require_room, supervisor_pid, turn
from freehold.contract.estate import Estate
from freehold.errors import EstateError

STRANGER = 54321
ACT = """
import sys, time
from freehold.bootstrap.launch import control
from freehold.contract.estate import Estate
with control(Estate.find(sys.argv[1])):
    print("acting", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    estate = Estate.find(str(tmp_path / "estate"))
    found(estate)
    return estate


def test_a_turn_is_had_by_one_and_free_again_after_it(estate: Estate) -> None:
    refused = pytest.raises(EstateError, match="another command is at work on")
    with turn(estate), refused, turn(estate, patience_s=0.0):
        pass
    with turn(estate, patience_s=0.0):
        pass


def test_a_full_disk_is_said_before_anything_is_started(estate: Estate) -> None:
    with pytest.raises(EstateError, match=f"the disk of {estate.directory} is full: [0-9]+ bytes are free"):
        require_room(estate, least_bytes=1 << 62)
    require_room(estate, least_bytes=0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_acts_for_a_command_ends_when_the_command_is_killed(estate: Estate, number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", ACT, str(estate.directory)], stdout=subprocess.PIPE) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == b"acting\n"
        acting = supervisor_pid(estate)
        command.send_signal(number)
    assert acting is not None
    with turn(estate):
        while supervisor_pid(estate) is not None:
            pass  # the runner's own patience ends a test that never does


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user's estate, which root alone can make")
def test_root_starts_nothing_on_another_users_estate(estate: Estate) -> None:
    os.chown(estate.ledger_key, STRANGER, STRANGER)
    before = sorted(estate.directory.rglob("*"))
    with pytest.raises(EstateError, match=f"belongs to #{STRANGER}") as refused, control(estate):
        pass
    assert refused.value.advice.startswith(f"Run the command as that user: sudo -u '#{STRANGER}'")
    assert sorted(estate.directory.rglob("*")) == before
