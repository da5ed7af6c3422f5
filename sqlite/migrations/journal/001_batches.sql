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
