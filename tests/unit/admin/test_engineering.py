# SPDX-License-Identifier: Apache-2.0
"""Building, listing and removing engines: what is on record, and in which order."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.source_builder import archive, sha256
from tests.unit.admin.conftest import FakeLedger, Steps

from freehold.admin.interface import Parts
from freehold.admin.operations import Operations
from freehold.admin.requests import BuildEngine, ByDigest, Nothing
from freehold.contract.estate import Estate
from freehold.engine.build import Program, digest_of, server_of
from freehold.errors import EstateError, LedgerFull
from freehold.settings import read_settings


async def build(operations: Operations, folder: Path, steps: Steps) -> Any:
    source = archive(folder / "tiny.tar.gz")
    asker = steps.asker("op_1")
    request = BuildEngine(source=str(source), sha256=sha256(source), jobs=1)
    answer = await operations.engineering.build(request, asker.id, asker.progress, operations.permit_for(asker))
    return answer["engine"]


async def test_a_build_is_on_record_and_is_what_runs_from_then_on(
    operations: Operations, estate: Estate, ledger: FakeLedger, steps: Steps, tmp_path: Path
) -> None:
    made = await build(operations, tmp_path, steps)
    server = Program(server=server_of("", estate.engines)).file
    assert server is not None
    assert server.is_relative_to(estate.engines)
    assert made["programs"]["llama-server"] == digest_of(server)
    kind, subject, operator, digests = ledger.acts[-1]
    assert (kind, subject, operator) == ("engine.build", "llamacpp", "op_1")
    assert digests == {"engine": digest_of(server), "source": made["source_digest"], "build": made["digest"]}
    assert {"unpacking the source", "configuring llama.cpp", "trying what was built"} <= set(steps.told)
    listed: Any = (await operations.engineering.list_engines(Nothing(), "local"))["engines"]
    assert (listed[0]["kind"], listed[0]["runs"]) == ("built", True)
    assert [one["runs"] for one in listed].count(True) == 1


async def test_a_build_that_cannot_be_recorded_is_not_kept(
    operations: Operations, estate: Estate, ledger: FakeLedger, steps: Steps, tmp_path: Path
) -> None:
    ledger.fault = LedgerFull("the disk is full")
    with pytest.raises(LedgerFull):
        await build(operations, tmp_path, steps)
    assert list((estate.engines / "llamacpp").iterdir()) == []


async def test_a_build_that_is_removed_runs_no_more(
    operations: Operations, estate: Estate, ledger: FakeLedger, steps: Steps, tmp_path: Path
) -> None:
    digest = (await build(operations, tmp_path, steps))["digest"]
    await operations.engineering.remove(ByDigest(digest=digest.removeprefix("sha256:")[:8]), "op_1")
    assert ledger.acts[-1] == ("engine.remove", "llamacpp", "op_1", {"build": digest})
    found = Program(server=server_of("", estate.engines)).file
    assert found is not None
    assert not found.is_relative_to(estate.engines)


async def test_a_sealed_estate_builds_nothing(
    parts: Parts, estate: Estate, ledger: FakeLedger, steps: Steps, tmp_path: Path
) -> None:
    sealed = Operations(replace(parts, sealed=True), read_settings(estate.settings))
    with pytest.raises(EstateError, match="while the estate is sealed"):
        await build(sealed, tmp_path, steps)
    assert ledger.acts == []
