# SPDX-License-Identifier: Apache-2.0
import contextlib
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from freehold.admin.keys import KeyRecord, OperatorRecord, Prefix, Standing, digest_of, new_id, new_secret
from freehold.admin.state import State, read_api_keys, read_operators
from freehold.contract.call import DataClass
from freehold.errors import EstateError


def a_key(number: int = 0, **changes: object) -> KeyRecord:
    values: dict[str, object] = {
        "id": f"key_{number:012x}",
        "label": "billing",
        "secret_sha256": digest_of(f"fh_{number}"),
        "services": ("default", "support"),
        "data_class": DataClass.PERSONAL,
        "created_unix": 1000.0 + number,
        **changes,
    }
    return KeyRecord(**values)  # type: ignore[arg-type]  # named fields of one test value


def test_what_was_added_is_read_back_by_a_later_process(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    operator = OperatorRecord(id="op_1", label="Jeanne", token_sha256=digest_of("fho_1"), created_unix=5.0)
    with contextlib.closing(State(path)) as state:
        state.add_api_key(a_key(1, requests_per_minute=60, expires_unix=2000.0))
        state.add_api_key(a_key(0))
        state.add_operator(operator)
    assert read_api_keys(path) == (a_key(0), a_key(1, requests_per_minute=60, expires_unix=2000.0))
    assert read_operators(path) == (operator,)


def test_nobody_else_can_read_the_database(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with contextlib.closing(State(path)) as state:
        state.add_api_key(a_key())
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_a_key_is_revoked_once(state: State) -> None:
    state.add_api_key(a_key())
    first = state.revoke_api_key(a_key().id, 7.0)
    second = state.revoke_api_key(a_key().id, 9.0)
    assert first == second == a_key(revoked_unix=7.0)
    assert state.revoke_api_key("key_unknown", 9.0) is None


def test_a_revoked_token_opens_nothing(state: State) -> None:
    state.add_operator(OperatorRecord(id="op_1", label="", token_sha256=digest_of("fho_1"), created_unix=5.0))
    assert state.operator_with(digest_of("fho_1")) == "op_1"
    state.revoke_operator("op_1", 9.0)
    assert state.operator_with(digest_of("fho_1")) is None
    assert state.operator_with(digest_of("")) is None


def test_snapshot_versions_grow_over_restarts(tmp_path: Path) -> None:
    versions = []
    for _ in range(3):
        with contextlib.closing(State(tmp_path / "state.db")) as state:
            versions.append(state.next_snapshot_version())
    assert versions == [1, 2, 3]


def test_threads_may_share_it(state: State) -> None:
    threads = [threading.Thread(target=state.add_api_key, args=(a_key(number),)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(state.api_keys()) == 20


def test_an_estate_that_was_never_up_has_no_keys(tmp_path: Path) -> None:
    assert read_api_keys(tmp_path / "state.db") == ()
    assert read_operators(tmp_path / "state.db") == ()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(EstateError, match=r"state\.db cannot be used \(SQLITE_NOTADB\)"):
        State(path)


def test_the_database_of_a_later_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(EstateError, match="written by a later Freehold"):
        State(path)


def test_a_migration_that_was_applied_is_not_applied_again(tmp_path: Path) -> None:
    for _ in range(2):
        with contextlib.closing(State(tmp_path / "state.db")) as state:
            assert state.api_keys() == ()


def test_secrets_differ_and_say_what_they_are() -> None:
    secrets = {new_secret(Prefix.API_KEY) for _ in range(50)}
    assert len(secrets) == 50
    assert all(secret.startswith("fh_") and len(secret) == 3 + 43 for secret in secrets)
    assert new_secret(Prefix.OPERATOR).startswith("fho_")
    assert new_id("key").startswith("key_")


def test_a_key_stands_as_long_as_it_may() -> None:
    assert a_key().standing(1e12) is Standing.ACTIVE
    assert a_key(expires_unix=100.0).standing(99.0) is Standing.ACTIVE
    assert a_key(expires_unix=100.0).standing(100.0) is Standing.EXPIRED
    assert a_key(expires_unix=100.0, revoked_unix=1.0).standing(200.0) is Standing.REVOKED
