-- Credentials, sessions, connections and the access log of one venue.
-- Times are Unix nanoseconds, 0 for never; durations are nanoseconds.

CREATE TABLE keys (
    id      INTEGER PRIMARY KEY,
    secret  BLOB    NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE credentials (
    user    TEXT    PRIMARY KEY,
    hash    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    subject      TEXT    PRIMARY KEY,
    count        INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    locked_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id             TEXT    PRIMARY KEY,
    user           TEXT    NOT NULL,
    client_name    TEXT    NOT NULL,
    remote_addr    TEXT    NOT NULL,
    created        INTEGER NOT NULL,
    generation     INTEGER NOT NULL,
    key_id         INTEGER NOT NULL,
    refreshed      INTEGER NOT NULL,
    access_expires INTEGER NOT NULL,
    expires        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user);

CREATE TABLE connections (
    id                   TEXT    PRIMARY KEY,
    session              TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    user                 TEXT    NOT NULL,
    client_name          TEXT    NOT NULL,
    remote_addr          TEXT    NOT NULL,
    created              INTEGER NOT NULL,
    cancel_on_disconnect INTEGER NOT NULL,
    last_attach          INTEGER NOT NULL,
    last_seen            INTEGER NOT NULL,
    last_cursor          TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX connections_by_session ON connections (session);

-- AUTOINCREMENT: an id is not used again after the newest entries were pruned,
-- or a page token could point at another entry.
CREATE TABLE access (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    time        INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    user        TEXT    NOT NULL,
    session     TEXT    NOT NULL,
    connection  TEXT    NOT NULL,
    remote_addr TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    cursor      TEXT    NOT NULL,
    detail      TEXT    NOT NULL
) STRICT;

CREATE INDEX access_by_user ON access (user, id);
CREATE INDEX access_by_kind ON access (kind, id);
CREATE INDEX access_by_time ON access (time);
