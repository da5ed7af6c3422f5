-- Who was told what: what each attach of a stream carried from which sequence on,
-- how far its client acknowledged, and how far it was sent at its end.
-- Times are Unix nanoseconds; ended is 0 while the attach is open.

CREATE TABLE attaches (
    attach      INTEGER PRIMARY KEY,
    epoch       TEXT    NOT NULL,
    user        TEXT    NOT NULL,
    session     TEXT    NOT NULL,
    connection  TEXT    NOT NULL,
    remote_addr TEXT    NOT NULL,
    began       INTEGER NOT NULL,
    ended       INTEGER NOT NULL,
    sent        INTEGER NOT NULL,
    reason      TEXT    NOT NULL
) STRICT;

CREATE INDEX attaches_by_end ON attaches (ended);

CREATE TABLE carries (
    attach INTEGER NOT NULL REFERENCES attaches (attach) ON DELETE CASCADE,
    after  INTEGER NOT NULL,
    topics TEXT    NOT NULL,
    PRIMARY KEY (attach, after)
) STRICT, WITHOUT ROWID;

CREATE TABLE acknowledgements (
    attach   INTEGER NOT NULL REFERENCES attaches (attach) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    PRIMARY KEY (attach, sequence)
) STRICT, WITHOUT ROWID;
