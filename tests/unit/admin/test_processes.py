# SPDX-License-Identifier: Apache-2.0
import asyncio
import os
from pathlib import Path

import pytest

from freehold.admin.processes import SupervisorSocket
from freehold.admin.status import pss_bytes
from freehold.channel import Channel, listen
from freehold.contract.backend import EngineState, EngineStatus
from freehold.contract.report import ProcessReport
from freehold.engine.messages import AskProcesses, EstateProcesses, Retry, ToSupervisor
from freehold.errors import EstateError

KNOWN = EstateProcesses(
    processes=(ProcessReport(name="ledger", pid=7, state="running", since_unix=1.0),),
    engines=(EngineStatus(target="local", state=EngineState.ASLEEP),),
)


async def test_the_supervisor_is_asked_over_its_socket(tmp_path: Path) -> None:
    async def answer(channel: Channel[ToSupervisor, EstateProcesses]) -> None:
        assert isinstance(await channel.receive(), AskProcesses)
        await channel.send(KNOWN)

    server = await listen(tmp_path / "supervisor.sock", ToSupervisor, answer)
    assert await SupervisorSocket(tmp_path / "supervisor.sock").processes() == KNOWN
    server.close()


async def test_the_supervisor_is_told_which_model_was_brought_in(tmp_path: Path) -> None:
    told: asyncio.Future[ToSupervisor] = asyncio.get_running_loop().create_future()

    async def hear(channel: Channel[ToSupervisor, EstateProcesses]) -> None:
        told.set_result(await channel.receive())

    server = await listen(tmp_path / "supervisor.sock", ToSupervisor, hear)
    await SupervisorSocket(tmp_path / "supervisor.sock").retry("tiny")
    assert await told == Retry("tiny")
    server.close()


async def test_a_supervisor_that_is_away_or_hangs_up_is_said_so(tmp_path: Path) -> None:
    async def hang_up(channel: Channel[ToSupervisor, EstateProcesses]) -> None:
        channel.close()

    with pytest.raises(EstateError, match="the supervisor does not answer"):
        await SupervisorSocket(tmp_path / "none.sock").processes()
    server = await listen(tmp_path / "supervisor.sock", ToSupervisor, hang_up)
    with pytest.raises(EstateError, match="the supervisor does not answer"):
        await SupervisorSocket(tmp_path / "supervisor.sock").processes()
    server.close()


def test_memory_is_read_where_the_kernel_tells_it(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "smaps_rollup").write_text("Rss:  9000 kB\nPss:                 512 kB\nPss_Dirty:  1 kB\n")
    assert pss_bytes(7, tmp_path) == 512 * 1024
    assert pss_bytes(8, tmp_path) is None
    assert pss_bytes(os.getpid()) != 0
