# SPDX-License-Identifier: Apache-2.0
"""A disk that fills up under the ledger: calls are refused, nothing is lost, and all goes on when space returns."""

import errno
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.system import records
from tests.system.estates import Estate
from tests.system.test_hang_ups import LONG
from tests.system.waiting import wait_for
from tests.system.wire import CHAT, MESSAGES, Answer, asking, chat, post

DISK_MB = 256
RESERVE_MB = 16
MB = 2**20


@pytest.fixture(scope="module")
def house(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An estate on a small disk of its own, in mount and user namespaces of its own, so that no right is needed."""
    disk = tmp_path_factory.mktemp("disk")
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    script = f'mount -t tmpfs -o size={DISK_MB}m disk "$0" && echo mounted && exec cat'
    with subprocess.Popen([*command, script, disk], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        if holder.stdout.readline() != b"mounted\n":
            pytest.skip("this kernel lets nobody mount a disk of his own")
        enter = ("nsenter", f"--target={holder.pid}", "--user", "--mount", "--preserve-credentials")
        own = Estate(disk / "estate", enter=enter, root=Path(f"/proc/{holder.pid}/root"))
        try:
            own.run("init")
            own.take_vault_of(estate)
            own.set("ledger", f"reserve_mb = {RESERVE_MB}")
            own.up()
            yield own
        finally:
            own.destroy()
            holder.kill()


def test_a_disk_at_its_reserve_refuses_calls_in_every_dialect_and_recovers(house: Estate) -> None:
    before = post(house, CHAT, chat())
    assert before.status == 200
    with ballast(house, leave_mb=RESERVE_MB // 2):
        openai = wait_for(lambda: refused(house, CHAT), "calls are refused")
        anthropic = post(house, MESSAGES, chat())
        mistral = post(house, CHAT, chat(), user_agent="mistral-client-python/3.7.0")
        for answer in (openai, anthropic, mistral):
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) >= 1
            assert "freehold-receipt" not in answer.headers
        assert openai.json["error"]["code"] == "ledger_full"
        assert anthropic.json["error"]["type"] in {"api_error", "overloaded_error"}
        assert mistral.json["object"] == "error"
        assert house.status()["ledger"]["full"] is True
    wait_for(lambda: post(house, CHAT, chat()).status == 200, "calls are answered again")
    assert records.call(house, before.headers["x-request-id"]).ending == "complete"
    house.run("ledger", "verify")


def test_a_call_in_flight_when_the_last_byte_is_taken_is_still_recorded(house: Estate) -> None:
    with asking(house, "POST", CHAT, json.dumps(LONG | {"stream": True, "max_tokens": 150}).encode()) as response:
        response.readline()
        with ballast(house, leave_mb=0):
            assert response.read().endswith(b"data: [DONE]\n\n")
            identity = response.headers["x-request-id"]
            answer = wait_for(lambda: refused(house, CHAT), "calls are refused")
            assert answer.json["error"]["code"] in {"ledger_full", "ledger_unavailable"}
    wait_for(lambda: post(house, CHAT, chat()).status == 200, "calls are answered again")
    assert records.call(house, identity).ending == "complete"
    house.run("ledger", "verify")


def test_a_leaked_key_can_be_revoked_on_a_full_disk(house: Estate) -> None:
    key = house.ask("key", "create")["key"]
    with ballast(house, leave_mb=RESERVE_MB // 2):
        wait_for(lambda: refused(house, CHAT), "calls are refused")
        house.attempt("key", "revoke", key["id"])
        assert post(house, CHAT, chat(), key=key["secret"]).status == 401
    wait_for(lambda: post(house, CHAT, chat()).status == 200, "calls are answered again")
    assert post(house, CHAT, chat(), key=key["secret"]).status == 401


def refused(house: Estate, path: str) -> Answer | None:
    answer = post(house, path, chat())
    return answer if answer.status == 503 else None


class ballast:  # noqa: N801 - reads as the verb that it is
    """Fills the disk but for so much, and gives the space back."""

    def __init__(self, house: Estate, *, leave_mb: int) -> None:
        self._file = house.files / "ballast"
        self._leave_bytes = leave_mb * MB

    def __enter__(self) -> None:
        with self._file.open("wb", buffering=0) as file:
            try:
                while self._free() - self._leave_bytes >= MB:
                    file.write(bytes(MB))
                while not self._leave_bytes:
                    file.write(bytes(512))
            except OSError as problem:
                assert problem.errno == errno.ENOSPC  # noqa: PT017 - it is what is wanted
        assert self._free() <= self._leave_bytes + MB

    def __exit__(self, *problem: object) -> None:
        self._file.unlink()

    def _free(self) -> int:
        state = os.statvfs(self._file.parent)
        return state.f_bavail * state.f_frsize
