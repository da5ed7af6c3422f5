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
