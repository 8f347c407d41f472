-- What entities are found by besides their identifiers: digests of 16 bytes, made under a key that is not here.

-- All marks of the entity, one after the other.
ALTER TABLE entity ADD COLUMN marks BLOB;

CREATE TABLE mark (
    space      INTEGER NOT NULL,
    mark       BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    id         BLOB NOT NULL,
    PRIMARY KEY (space, mark, created_at, id)
) STRICT, WITHOUT ROWID;
