-- Keys of entities, and entities that no listing shows.

-- The entity's key slot (at most 256 bytes): replaced in the transaction that appends, and nowhere else.
ALTER TABLE entity ADD COLUMN key BLOB;

-- 0: in listings, 1: never was, 2: no longer.
ALTER TABLE entity ADD COLUMN listing INTEGER NOT NULL DEFAULT 0;

-- What no listing shows costs no place in the index.
DROP INDEX entity_by_creation;
CREATE INDEX entity_listed ON entity (space, created_at) WHERE listing = 0;
