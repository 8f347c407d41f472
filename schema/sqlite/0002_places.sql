-- What a damaged page takes away is missed: the key of every record stands a second time, in pages of its own, and the number of spaces is kept. (A
-- journal is in two tables already: its head, and its entries.)

CREATE TABLE record_place (
    space INTEGER NOT NULL,
    key   TEXT NOT NULL,
    PRIMARY KEY (space, key)
) STRICT, WITHOUT ROWID;
INSERT INTO record_place (space, key) SELECT space, key FROM record;

CREATE TABLE tally (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    spaces INTEGER NOT NULL
) STRICT;
INSERT INTO tally (one, spaces) SELECT 1, count(*) FROM space;
