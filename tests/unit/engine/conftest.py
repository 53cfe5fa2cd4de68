# SPDX-License-Identifier: Apache-2.0
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.engine_fakes import FakeClock, StubSupervisor


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[StubSupervisor]:
    async with StubSupervisor(tmp_path / "supervisor.sock").listening() as stub:
        yield stub
