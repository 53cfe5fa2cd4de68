-- state.db of format 1, as releases wrote it. Never changed.
BEGIN TRANSACTION;
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
INSERT INTO "api_key" VALUES('key_1','billing','abababababababababababababababababababababababababababababababab',2,600,1767225600.0,0.0,0.0);
CREATE TABLE api_key_service (
        api_key TEXT NOT NULL REFERENCES api_key (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        service TEXT NOT NULL,
        PRIMARY KEY (api_key, position)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "api_key_service" VALUES('key_1',0,'default');
CREATE TABLE operator (
        id TEXT PRIMARY KEY,
        label TEXT NOT NULL,
        token_sha256 TEXT NOT NULL UNIQUE,
        created_unix REAL NOT NULL,
        revoked_unix REAL NOT NULL
    ) STRICT;
INSERT INTO "operator" VALUES('op_1','Jeanne','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd',1767225600.0,0.0);
CREATE TABLE snapshot_version (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        version INTEGER NOT NULL
    ) STRICT;
INSERT INTO "snapshot_version" VALUES(1,41);
COMMIT;
PRAGMA user_version = 1;
