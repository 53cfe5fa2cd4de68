# SPDX-License-Identifier: Apache-2.0
"""A state.db of any format that a release ever wrote is opened by this one, and nothing that was in it is lost."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from freehold.admin.orders import Orders
from freehold.admin.state import _MIGRATIONS, State
from freehold.contract.call import DataClass

GOLDEN = Path(__file__).parent / "state"
FORMATS = range(1, len(_MIGRATIONS) + 1)


def written(number: int, path: Path) -> Path:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript((GOLDEN / f"format-{number}.sql").read_text(encoding="utf-8"))
    return path


@pytest.mark.parametrize("number", FORMATS)
def test_what_an_older_release_kept_is_there_after_the_migration(tmp_path: Path, number: int) -> None:
    with contextlib.closing(State(written(number, tmp_path / "state.db"))) as state:
        (key,) = state.api_keys()
        assert (key.id, key.label, key.services, key.data_class) == (
            "key_1",
            "billing",
            ("default",),
            DataClass.PERSONAL,
        )
        assert [operator.id for operator in state.operators()] == ["op_1"]
        assert state.next_snapshot_version() == 42
        if number >= 2:
            assert [(run.passed, run.total) for run in state.qualifications()] == [(3, 4)]
        if number >= 3:
            orders = Orders(state)
            assert [directive.name for directive in orders.directives()] == ["anthropic"]
            assert orders.reasons() == {"dir_1": "an order"}


@pytest.mark.parametrize("number", FORMATS)
def test_every_migration_ends_at_the_same_tables(tmp_path: Path, number: int) -> None:
    tables = []
    for name, path in (("old", written(number, tmp_path / "old.db")), ("new", tmp_path / "new.db")):
        State(path).close()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()
            tables.append((name, [" ".join(sql.split()) for (sql,) in found if "sqlite_sequence" not in sql]))
    assert tables[0][1] == tables[1][1]


def test_each_format_is_kept(tmp_path: Path) -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"format-{number}.sql" for number in FORMATS}
