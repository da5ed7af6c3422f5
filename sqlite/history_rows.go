package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"todoku/history"
	"todoku/trade"
	"todoku/trade/record"
)

// rowsAtOnce is how many rows one statement writes: most of the time of a single
// row goes into the statement around it.
const rowsAtOnce = 40

// markEvery is how far apart marks of time lie, in nanoseconds.
const markEvery = 1_000_000_000

// historyRows writes a transaction's rows, by statements prepared once. They say
// OR FAIL because whatever fails takes the whole transaction with it: without it
// SQLite copies every page that a statement of many rows touches, to be able to
// undo that statement alone, which was a fifth of its work.
type historyRows struct {
	orders     bulk // those that may have a new client order id
	changed    bulk // those that have the one they had
	executions bulk
	trades     bulk
	audit      bulk
}

const upsertOrder = `INSERT OR FAIL INTO orders (id, account, symbol, client_order_id, working, entered, updated, data) VALUES `

func (r *historyRows) prepare(ctx context.Context, db *sql.DB) error {
	return errors.Join(
		r.orders.prepare(ctx, db, 8, upsertOrder, ` ON CONFLICT (id) DO UPDATE SET client_order_id = excluded.client_order_id,
			working = excluded.working, updated = excluded.updated, data = excluded.data`),
		// Leaving the client order id alone spares its index.
		r.changed.prepare(ctx, db, 8, upsertOrder, ` ON CONFLICT (id) DO UPDATE SET
			working = excluded.working, updated = excluded.updated, data = excluded.data`),
		r.executions.prepare(ctx, db, 6, `INSERT OR FAIL INTO executions (id, account, symbol, order_id, time, data) VALUES `, ""),
		r.trades.prepare(ctx, db, 10, `INSERT OR FAIL INTO trades (id, symbol, price, quantity, aggressor, status, time, bust_time, buyer, seller) VALUES `,
			` ON CONFLICT (id) DO UPDATE SET status = excluded.status, bust_time = excluded.bust_time`),
		r.audit.prepare(ctx, db, 7, `INSERT OR FAIL INTO audit (sequence, time, kind, user, account, request, detail) VALUES `, ""),
	)
}

func (r *historyRows) close() error {
	return errors.Join(r.orders.close(), r.changed.close(), r.executions.close(), r.trades.close(), r.audit.close())
}

// bulk gathers rows of one table and writes them rowsAtOnce at a time.
type bulk struct {
	one, many *sql.Stmt // nil before prepare
	columns   int
	args      []any
}

func (b *bulk) prepare(ctx context.Context, db *sql.DB, columns int, insert, conflict string) (err error) {
	b.columns = columns
	row := "(?" + strings.Repeat(", ?", columns-1) + ")"
	if b.one, err = db.PrepareContext(ctx, insert+row+conflict); err != nil {
		return err
	}
	b.many, err = db.PrepareContext(ctx, insert+row+strings.Repeat(", "+row, rowsAtOnce-1)+conflict)
	return err
}

func (b *bulk) close() error {
	var err error
	for _, statement := range []*sql.Stmt{b.one, b.many} {
		if statement != nil {
			err = errors.Join(err, statement.Close())
		}
	}
	return err
}

func (b *bulk) add(row ...any) { b.args = append(b.args, row...) }

// flush writes what was added.
func (b *bulk) flush(ctx context.Context, tx *sql.Tx) error {
	defer func() {
		clear(b.args)
		b.args = b.args[:0]
	}()
	args := b.args
	for _, s := range []struct {
		statement *sql.Stmt
		width     int
	}{{b.many, b.columns * rowsAtOnce}, {b.one, b.columns}} {
		if len(args) < s.width {
			continue
		}
		statement := tx.StmtContext(ctx, s.statement) //nolint:sqlclosecheck // the transaction closes it
		for len(args) >= s.width {
			if _, err := statement.ExecContext(ctx, args[:s.width]...); err != nil {
				return err
			}
			args = args[s.width:]
		}
	}
	return nil
}

// addFacts writes what records left behind.
func (h *History) addFacts(ctx context.Context, tx *sql.Tx, facts *history.Facts) error {
	r := &h.rows
	var buf []byte // Rows keep slices of it; when it grows they keep the old one.
	var err error
	for i := range facts.Orders {
		o := facts.Orders[i].Order
		from := len(buf)
		if buf, err = record.EncodeOrder(buf, o); err != nil {
			return err
		}
		into := &r.changed
		if facts.Orders[i].Named {
			into = &r.orders
		}
		into.add(int64(o.ID), h.names.number(string(o.Account)), h.names.number(string(o.Symbol)), string(o.ClientOrderID),
			o.Status.Working(), o.Entered, o.Updated, buf[from:len(buf):len(buf)])
	}
	for i := range facts.Executions {
		e := &facts.Executions[i]
		from := len(buf)
		if buf, err = record.EncodeReport(buf, e.ExecutionReport); err != nil {
			return err
		}
		r.executions.add(int64(history.ExecutionKey(e.Sequence, e.Event)), h.names.number(string(e.ExecutionReport.Order.Account)),
			h.names.number(string(e.ExecutionReport.Order.Symbol)), int64(e.ExecutionReport.Order.ID), e.Time, buf[from:len(buf):len(buf)])
	}
	for i := range facts.Trades {
		t := facts.Trades[i]
		r.trades.add(int64(t.ID), h.names.number(string(t.Symbol)), int64(t.Price), int64(t.Quantity),
			int64(t.Aggressor), int64(t.Status), t.Time, t.BustTime, int64(t.Buyer.Order), int64(t.Seller.Order))
	}
	for i := range facts.Audit {
		a := &facts.Audit[i]
		r.audit.add(int64(a.Sequence), a.Time, int64(a.Kind), h.names.number(string(a.User)), h.names.number(string(a.Account)),
			string(a.Request), a.Detail)
	}
	for _, b := range []*bulk{&r.orders, &r.changed, &r.executions, &r.trades, &r.audit} {
		if failed := b.flush(ctx, tx); failed != nil {
			err = errors.Join(err, failed) // The others are flushed to be empty again.
		}
	}
	if err != nil {
		return err
	}
	return h.addNames(ctx, tx)
}

func (h *History) addNames(ctx context.Context, tx *sql.Tx) error {
	names, first := h.names.unwritten()
	for i, name := range names {
		if _, err := tx.ExecContext(ctx, "INSERT INTO names (id, name) VALUES (?, ?)", first+int64(i), name); err != nil {
			return err
		}
	}
	return nil
}

// addMark notes what a time had been reached with, unless the mark before is
// close. The keys are looked up rather than counted: a state that was taken over
// may hold orders from after its position.
func addMark(ctx context.Context, tx *sql.Tx, last *trade.Record) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO marks (time, sequence, last_order, last_trade)
		SELECT ?1, ?2,
			coalesce((SELECT id FROM orders WHERE entered <= ?1 ORDER BY id DESC LIMIT 1), 0),
			coalesce((SELECT id FROM trades WHERE time <= ?1 ORDER BY id DESC LIMIT 1), 0)
		WHERE coalesce((SELECT max(time) FROM marks), ?1 - ?3) <= ?1 - ?3`,
		last.Time, last.Sequence, markEvery)
	return err
}
