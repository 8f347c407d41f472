-- Journals, wake-ups and versioned records.
--
-- Instants are microseconds since 1970 (UTC), identifiers 16-byte blobs, bodies opaque bytes.

-- An organization together with a kind of process or a collection of records, as one small number: it stands in every
-- key below, where the two names would weigh more than the rest of the row.
CREATE TABLE space (
    space        INTEGER PRIMARY KEY,
    organization TEXT NOT NULL,
    kind         TEXT NOT NULL,
    UNIQUE (organization, kind)
) STRICT;

-- The head of each journal, and the one moment at which its process wants to be looked at.
CREATE TABLE entity (
    space      INTEGER NOT NULL,
    id         BLOB NOT NULL,
    head       INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    shard      INTEGER NOT NULL,
    wake       INTEGER,
    PRIMARY KEY (space, id)
) STRICT, WITHOUT ROWID;

-- The primary key is appended to each index: a listing is ordered by (created_at, id).
CREATE INDEX entity_by_creation ON entity (space, created_at);
CREATE INDEX entity_by_wake ON entity (wake, shard) WHERE wake IS NOT NULL;

CREATE TABLE entry (
    space     INTEGER NOT NULL,
    id        BLOB NOT NULL,
    seq       INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    commit_id BLOB NOT NULL,
    body      BLOB NOT NULL,
    PRIMARY KEY (space, id, seq)
) STRICT, WITHOUT ROWID;

-- Only the newest snapshot of a process is kept.
CREATE TABLE snapshot (
    space INTEGER NOT NULL,
    id    BLOB NOT NULL,
    seq   INTEGER NOT NULL,
    body  BLOB NOT NULL,
    PRIMARY KEY (space, id)
) STRICT, WITHOUT ROWID;

-- Current versions apart from the earlier ones, so that a collection is listed without stepping over its history.
CREATE TABLE record (
    space   INTEGER NOT NULL,
    key     TEXT NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB NOT NULL,
    PRIMARY KEY (space, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE record_history (
    space   INTEGER NOT NULL,
    key     TEXT NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB NOT NULL,
    PRIMARY KEY (space, key, version)
) STRICT, WITHOUT ROWID;

-- One row, rewritten to push the remains of a failed commit out of the write-ahead log.
CREATE TABLE scrub (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    count INTEGER NOT NULL
) STRICT;
INSERT INTO scrub (one, count) VALUES (1, 0);
