# SPDX-License-Identifier: Apache-2.0
"""state.db: what the estate remembers besides its configuration. One SQLite file, used by the control process alone.

Commands may open it read-only while the estate is down. Secrets are not in it, only their SHA-256.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from freehold.admin.keys import KeyRecord, OperatorRecord
from freehold.continuity.acceptance import Qualification
from freehold.contract.call import DataClass
from freehold.errors import EstateError

# Applied in order, each in one transaction; PRAGMA user_version counts those that were. A released one never changes.
_MIGRATIONS = (
    """
    CREATE TABLE api_key (
        id TEXT PRIMARY KEY,
        label TEXT NOT NULL,
        secret_sha256 TEXT NOT NULL UNIQUE,
        data_class INTEGER NOT NULL,
        requests_per_minute INTEGER NOT NULL,
        created_unix REAL NOT NULL,
        expires_unix REAL NOT NULL,
        revoked_unix REAL NOT NULL
    ) STRICT;
    CREATE TABLE api_key_service (
        api_key TEXT NOT NULL REFERENCES api_key (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        service TEXT NOT NULL,
        PRIMARY KEY (api_key, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE operator (
        id TEXT PRIMARY KEY,
        label TEXT NOT NULL,
        token_sha256 TEXT NOT NULL UNIQUE,
        created_unix REAL NOT NULL,
        revoked_unix REAL NOT NULL
    ) STRICT;
    CREATE TABLE snapshot_version (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        version INTEGER NOT NULL
    ) STRICT;
    INSERT INTO snapshot_version VALUES (1, 0);
    """,
    """
    CREATE TABLE qualification (
        service TEXT NOT NULL,
        target TEXT NOT NULL,
        operator TEXT NOT NULL,
        model TEXT NOT NULL,
        model_digest TEXT NOT NULL,
        cases TEXT NOT NULL,
        passed INTEGER NOT NULL,
        total INTEGER NOT NULL,
        at_unix REAL NOT NULL,
        PRIMARY KEY (service, target)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE directive (
        position INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        record BLOB NOT NULL
    ) STRICT;
    CREATE TABLE directive_reason (
        directive TEXT PRIMARY KEY REFERENCES directive (id) ON DELETE CASCADE,
        text TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE target_holding (
        target TEXT NOT NULL,
        cause TEXT NOT NULL,
        record BLOB NOT NULL,
        PRIMARY KEY (target, cause)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE owed_act (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        record BLOB NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE text_salt (
        subject TEXT PRIMARY KEY,
        salt BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE law_in_force (
        what TEXT PRIMARY KEY,
        digest TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE witness_seen (
        witness TEXT PRIMARY KEY,
        record BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE witness_alarm (
        position INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        record BLOB NOT NULL
    ) STRICT;
    CREATE TABLE witness_alarm_reason (
        alarm TEXT PRIMARY KEY,
        text TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE tuning (
        position INTEGER PRIMARY KEY,
        model TEXT NOT NULL,
        record BLOB NOT NULL
    ) STRICT;
    CREATE INDEX tuning_by_model ON tuning (model, position);
    """,
)


class State:
    """The database. Every method is one transaction, and may be called from any thread."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the file, making or migrating it unless ``read_only``. Raises EstateError."""
        self._path = path
        self._lock = threading.Lock()  # held for each use of the one connection
        with self._translated():
            self._connection = _open(path, read_only=read_only)
            try:
                _set_up(self._connection, read_only=read_only)
                self._check_version() if read_only else self._migrate()
            except BaseException:
                self._connection.close()  # what was begun is taken back, and holds up nobody
                raise

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def api_keys(self) -> tuple[KeyRecord, ...]:
        """Every key ever made, oldest first."""
        with self.transaction() as connection:
            services: dict[str, list[str]] = {}
            for key, service in connection.execute(
                "SELECT api_key, service FROM api_key_service ORDER BY api_key, position"
            ):
                services.setdefault(key, []).append(service)
            rows = connection.execute(
                "SELECT id, label, secret_sha256, data_class, requests_per_minute, created_unix, expires_unix, "
                "revoked_unix FROM api_key ORDER BY created_unix, id"
            ).fetchall()
        return tuple(
            KeyRecord(
                id=row[0],
                label=row[1],
                secret_sha256=row[2],
                services=tuple(services.get(row[0], ())),
                data_class=DataClass(row[3]),
                requests_per_minute=row[4],
                created_unix=row[5],
                expires_unix=row[6],
                revoked_unix=row[7],
            )
            for row in rows
        )

    def add_api_key(self, key: KeyRecord, salt: bytes = b"") -> None:
        """Keep a key; ``salt`` is that of its label."""
        with self.transaction() as connection:
            keep_salt(connection, key.id, salt)
            connection.execute(
                "INSERT INTO api_key VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    key.id,
                    key.label,
                    key.secret_sha256,
                    int(key.data_class),
                    key.requests_per_minute,
                    key.created_unix,
                    key.expires_unix,
                    key.revoked_unix,
                ),
            )
            connection.executemany(
                "INSERT INTO api_key_service VALUES (?, ?, ?)",
                [(key.id, position, service) for position, service in enumerate(key.services)],
            )

    def revoke_api_key(self, key_id: str, at_unix: float) -> KeyRecord | None:
        """Revoke a key; the first time counts. None if there is no such key."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE api_key SET revoked_unix = ? WHERE id = ? AND revoked_unix = 0", (at_unix, key_id)
            )
        return next((key for key in self.api_keys() if key.id == key_id), None)

    def operators(self) -> tuple[OperatorRecord, ...]:
        """Every operator ever made, oldest first."""
        with self.transaction() as connection:
            rows = connection.execute(
                "SELECT id, label, token_sha256, created_unix, revoked_unix FROM operator ORDER BY created_unix, id"
            ).fetchall()
        return tuple(
            OperatorRecord(id=row[0], label=row[1], token_sha256=row[2], created_unix=row[3], revoked_unix=row[4])
            for row in rows
        )

    def add_operator(self, operator: OperatorRecord, salt: bytes = b"") -> None:
        """Keep an operator; ``salt`` is that of the label."""
        with self.transaction() as connection:
            keep_salt(connection, operator.id, salt)
            connection.execute(
                "INSERT INTO operator VALUES (?, ?, ?, ?, ?)",
                (
                    operator.id,
                    operator.label,
                    operator.token_sha256,
                    operator.created_unix,
                    operator.revoked_unix,
                ),
            )

    def revoke_operator(self, operator_id: str, at_unix: float) -> OperatorRecord | None:
        """Revoke an operator; the first time counts. None if there is no such operator."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE operator SET revoked_unix = ? WHERE id = ? AND revoked_unix = 0", (at_unix, operator_id)
            )
        return next((operator for operator in self.operators() if operator.id == operator_id), None)

    def operator_with(self, token_sha256: str) -> str | None:
        """The id of the operator who holds the token, unless revoked."""
        with self.transaction() as connection:
            row = connection.execute(
                "SELECT id FROM operator WHERE token_sha256 = ? AND revoked_unix = 0", (token_sha256,)
            ).fetchone()
        return row[0] if row else None

    def qualifications(self) -> tuple[Qualification, ...]:
        """The newest run of each service's cases on each target."""
        with self.transaction() as connection:
            rows = connection.execute(
                "SELECT service, target, operator, model, model_digest, cases, passed, total, at_unix "
                "FROM qualification ORDER BY service, target"
            ).fetchall()
        return tuple(
            Qualification(
                service=row[0],
                target=row[1],
                operator=row[2],
                model=row[3],
                model_digest=row[4],
                cases=row[5],
                passed=row[6],
                total=row[7],
                at_unix=row[8],
            )
            for row in rows
        )

    def keep_qualification(self, run: Qualification) -> None:
        """Remember a run, in place of the one before."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO qualification VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run.service,
                    run.target,
                    run.operator,
                    run.model,
                    run.model_digest,
                    run.cases,
                    run.passed,
                    run.total,
                    run.at_unix,
                ),
            )

    def holds(self, table: str) -> bool:
        """Whether the file has the table: one that was only read since an older release may not."""
        with self.transaction() as connection:
            found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,))
            return found.fetchone() is not None

    def next_snapshot_version(self) -> int:
        """A version that no snapshot of this estate has had, whichever process published it."""
        with self.transaction() as connection:
            connection.execute("UPDATE snapshot_version SET version = version + 1")
            (version,) = connection.execute("SELECT version FROM snapshot_version").fetchone()
        return int(version)

    def empty_write_ahead_log(self) -> None:
        """Leave nothing of what was erased in the file beside the database. Raises EstateError."""
        with self._lock, self._translated():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _migrate(self) -> None:
        version = self._check_version()
        for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
            # executescript() commits what is open, so the transaction is written into the script
            self._connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")

    def _check_version(self) -> int:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > len(_MIGRATIONS):
            raise EstateError(
                f"{self._path} was written by a later Freehold (format {version}, known are {len(_MIGRATIONS)})",
                hint="Install the version that wrote it, or a later one.",
            )
        return int(version)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, for what is kept in tables of its own. Raises EstateError."""
        with self._lock, self._translated(), self._connection:
            yield self._connection

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            name = getattr(exc, "sqlite_errorname", "unusable")
            raise EstateError(
                f"{self._path} cannot be used ({name})",
                hint="Look at the disk's free space and at the file's owner and mode; restore a damaged one.",
            ) from exc


def keep_salt(connection: sqlite3.Connection, subject: str, salt: bytes) -> None:
    """Keep the salt of the words about a key, an operator, a directive or a target, in place of one before."""
    if salt:
        connection.execute("INSERT OR REPLACE INTO text_salt VALUES (?, ?)", (subject, salt))


def read_api_keys(path: Path) -> tuple[KeyRecord, ...]:
    """Every key ever made, read while another process may be writing. None, if the estate was never up."""
    if not path.exists():
        return ()
    with contextlib.closing(State(path, read_only=True)) as state:
        return state.api_keys()


def read_operators(path: Path) -> tuple[OperatorRecord, ...]:
    """The same of every operator."""
    if not path.exists():
        return ()
    with contextlib.closing(State(path, read_only=True)) as state:
        return state.operators()


def read_qualifications(path: Path) -> tuple[Qualification, ...]:
    """The same of every run of acceptance cases."""
    if not path.exists():
        return ()
    with contextlib.closing(State(path, read_only=True)) as state:
        return state.qualifications() if state.holds("qualification") else ()


def _open(path: Path, *, read_only: bool) -> sqlite3.Connection:
    if not read_only:
        # made here, not by SQLite, so that neither it nor the files beside it are ever readable by others
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    mode = "ro" if read_only else "rw"
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, check_same_thread=False)


def _set_up(connection: sqlite3.Connection, *, read_only: bool) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten, not left in a free page
        connection.execute("PRAGMA synchronous = FULL")  # a key that was reported revoked stays revoked
