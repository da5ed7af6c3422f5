-- What was, for queries. Everything can be built again from the journal, as far
-- back as that goes. Keys rise with time, so every list is read backwards along
-- an index that ends in the key. One account's instruments have no index of their
-- own, which would touch a page per account and instrument in every transaction:
-- the symbol stands behind the key instead, and other symbols are passed over
-- within the index.

-- How far the history is, in one row.
CREATE TABLE progress (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    epoch    TEXT    NOT NULL, -- of which journal
    sequence INTEGER NOT NULL  -- up to which record
) STRICT;

-- The feed's index of the journal, whole.
CREATE TABLE feed_index (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    position INTEGER NOT NULL,
    data     BLOB    NOT NULL
) STRICT;

-- Symbols, accounts and users, written once: rows refer to them by number.
CREATE TABLE names (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Which keys a time had been reached with, about once a second: a query for a
-- time begins at a key and needs no index of times.
CREATE TABLE marks (
    time       INTEGER PRIMARY KEY, -- of the last record of a transaction, Unix nanoseconds
    sequence   INTEGER NOT NULL, -- of that record
    last_order INTEGER NOT NULL, -- highest id of an order entered until then, 0 for none
    last_trade INTEGER NOT NULL  -- highest id of a trade concluded until then, 0 for none
) STRICT;

CREATE TABLE orders (
    id              INTEGER PRIMARY KEY,
    account         INTEGER NOT NULL,
    symbol          INTEGER NOT NULL,
    client_order_id TEXT    NOT NULL, -- the one it has now
    working         INTEGER NOT NULL,
    entered         INTEGER NOT NULL, -- Unix nanoseconds
    updated         INTEGER NOT NULL, -- Unix nanoseconds
    data            BLOB    NOT NULL  -- record.EncodeOrder
) STRICT;
CREATE INDEX orders_by_account ON orders (account, id, symbol);
CREATE INDEX orders_by_client_id ON orders (account, client_order_id);
CREATE INDEX orders_working ON orders (account) WHERE working = 1;

CREATE TABLE executions (
    id       INTEGER PRIMARY KEY, -- feed.ExecutionKey
    account  INTEGER NOT NULL,
    symbol   INTEGER NOT NULL,
    order_id INTEGER NOT NULL,
    time     INTEGER NOT NULL, -- Unix nanoseconds
    data     BLOB    NOT NULL  -- record.EncodeReport
) STRICT;
CREATE INDEX executions_by_account ON executions (account, id, symbol);
CREATE INDEX executions_by_order ON executions (order_id);

CREATE TABLE trades (
    id        INTEGER PRIMARY KEY,
    symbol    INTEGER NOT NULL,
    price     INTEGER NOT NULL, -- steps of 1e-8
    quantity  INTEGER NOT NULL, -- steps of 1e-8
    aggressor INTEGER NOT NULL, -- trade.Side
    status    INTEGER NOT NULL, -- trade.TradeStatus
    time      INTEGER NOT NULL, -- when it was concluded, Unix nanoseconds
    bust_time INTEGER NOT NULL, -- when it was busted, Unix nanoseconds, 0 while it stands
    buyer     INTEGER NOT NULL, -- the buyer's order
    seller    INTEGER NOT NULL  -- the seller's order
) STRICT;
CREATE INDEX trades_by_symbol ON trades (symbol);

-- One row per record of the journal.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    time     INTEGER NOT NULL, -- Unix nanoseconds
    kind     INTEGER NOT NULL, -- trade.CommandKind
    user     INTEGER NOT NULL, -- 0 for the venue itself
    account  INTEGER NOT NULL, -- 0 for none
    request  TEXT    NOT NULL,
    detail   TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_by_user ON audit (user) WHERE user <> 0;
