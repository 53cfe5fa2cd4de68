# SPDX-License-Identifier: Apache-2.0
"""An estate is backed up while it answers, lost, and comes back from the file alone: keys, record and all."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.system import records
from tests.system.conftest import NewEstate
from tests.system.estates import Estate
from tests.system.wire import CHAT, chat, post


@contextmanager
def calls_going_on(estate: Estate) -> Iterator[list[int]]:
    """One caller, whose answers' statuses are in the list."""
    statuses: list[int] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            statuses.append(post(estate, CHAT, chat()).status)

    caller = threading.Thread(target=ask)
    caller.start()
    try:
        yield statuses
    finally:
        enough.set()
        caller.join()


def test_an_estate_comes_back_from_a_backup_that_was_made_while_it_answered(
    new_estate: NewEstate, tmp_path: Path
) -> None:
    house = new_estate()
    house.up()
    application = house.ask("key", "create", "billing")["key"]
    receipt = post(house, CHAT, chat()).headers["freehold-receipt"]
    with calls_going_on(house) as statuses:
        taken = house.ask("backup", tmp_path / "backup.tar")["backup"]
    assert set(statuses) == {200}
    assert taken["left_out"] == []
    house.destroy()

    back = Estate(tmp_path / "back")
    try:
        assert back.ask("restore", tmp_path / "backup.tar")["restored"]["entries"] == taken["entries"]
        refused = back.attempt_up()
        assert refused.returncode == 1
        assert "freehold ledger adopt" in refused.stderr
        back.run("ledger", "adopt", "--unwitnessed")
        back.up()
        back.key = application["secret"]
        assert post(back, CHAT, chat()).status == 200
        assert application["id"] in {key["id"] for key in back.ask("key", "list")["keys"]}
        assert "estate.backup" in {entry.get("act") for entry in records.entries(back)[: taken["entries"]]}
        back.run("ledger", "receipt", receipt)
        back.run("ledger", "verify")
        back.run("ledger", "fsck")
    finally:
        back.destroy()


def test_an_estate_that_is_down_is_backed_up_as_well(new_estate: NewEstate, tmp_path: Path) -> None:
    house = new_estate()
    house.run("backup", tmp_path / "backup.tar", "--without-models")
    back = Estate(tmp_path / "back")
    try:
        assert "import them again" in back.attempt("restore", tmp_path / "backup.tar").stderr
    finally:
        back.destroy()
