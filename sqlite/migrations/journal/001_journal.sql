-- The journal: one row per appended batch, so that a commit writes one row
-- whatever the number of records in it.
CREATE TABLE batches (
    first_sequence INTEGER PRIMARY KEY, -- sequence of the first record
    last_sequence  INTEGER NOT NULL,    -- sequence of the last record
    count          INTEGER NOT NULL,    -- last_sequence - first_sequence + 1
    last_time      INTEGER NOT NULL,    -- time of the last record, Unix nanoseconds
    checksum       INTEGER NOT NULL,    -- CRC-32C of the last record, where the next batch's chain begins
    data           BLOB    NOT NULL     -- journal.EncodeBatch
) STRICT;

-- One row: what this journal is.
CREATE TABLE identity (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    epoch TEXT NOT NULL -- random, part of every cursor
) STRICT;

-- A snapshot's bytes lie in parts, each committed by itself, so that a large
-- snapshot never holds the writer for long. The row here comes last and makes
-- the parts valid.
CREATE TABLE snapshots (
    sequence INTEGER PRIMARY KEY, -- state after this record
    time     INTEGER NOT NULL,    -- Unix nanoseconds
    size     INTEGER NOT NULL,    -- bytes in all parts
    checksum INTEGER NOT NULL     -- CRC-32C, see journal.Snapshot
) STRICT;

CREATE TABLE snapshot_parts (
    sequence INTEGER NOT NULL,
    part     INTEGER NOT NULL, -- from 0
    data     BLOB    NOT NULL,
    PRIMARY KEY (sequence, part)
) STRICT;
