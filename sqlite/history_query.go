package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"

	"todoku/history"
	"todoku/trade"
	"todoku/trade/record"
)

// filter gathers the conditions of a query and their arguments.
type filter struct {
	conditions []string
	args       []any
	nothing    bool   // no row can match
	index      string // which index to use, "" for SQLite's choice
}

func (f *filter) where(condition string, args ...any) {
	f.conditions = append(f.conditions, condition)
	f.args = append(f.args, args...)
}

// named narrows a query to the rows of a name. An unknown name has no rows.
func (f *filter) named(names *nameTable, condition, name string) {
	number, known := names.find(name)
	f.nothing = f.nothing || !known
	f.where(condition, number)
}

// keyRange is the keys that can have been reached within a span of times: above
// low, up to high.
type keyRange struct{ low, high int64 }

// span bounds times, and with the help of the marks also the keys, so that a
// page about last month does not pass over everything since.
func (f *filter) span(time, key string, s history.Span, keys keyRange) {
	if s.From != 0 {
		f.where(time+" >= ?", s.From)
		f.where(key+" > ?", keys.low)
	}
	if s.To != 0 {
		f.where(time+" < ?", s.To)
		f.where(key+" <= ?", keys.high)
	}
}

// keys looks a span up in one of the columns of marks.
func (h *History) keys(ctx context.Context, s history.Span, column string) (keyRange, error) {
	keys := keyRange{math.MinInt64, math.MaxInt64}
	for _, bound := range []struct {
		time  int64
		key   *int64
		marks string
	}{{s.From, &keys.low, "time < ? ORDER BY time DESC"}, {s.To, &keys.high, "time >= ? ORDER BY time"}} {
		if bound.time == 0 {
			continue
		}
		err := h.db.reader.QueryRowContext(ctx, "SELECT "+column+" FROM marks WHERE "+bound.marks+" LIMIT 1", bound.time).Scan(bound.key)
		if err := optional(err); err != nil {
			return keyRange{}, err
		}
	}
	return keys, nil
}

// executionKeys turns sequences into keys of executions.
func (k keyRange) executionKeys() keyRange {
	if k.low != math.MinInt64 {
		k.low = int64(history.LastExecutionKey(uint64(k.low)))
	}
	if k.high != math.MaxInt64 {
		k.high = int64(history.LastExecutionKey(uint64(k.high)))
	}
	return k
}

// listing names the table and columns of a query.
type listing struct {
	table, key, time, columns string
	mark                      string // the column of marks that bounds the key
}

// page reads one page, newest first, and one row more to see whether another
// page follows. Read returns the row's key.
func page[T any](ctx context.Context, h *History, l listing, f *filter, q history.Query, s history.Span,
	read func(scanner, *T) (uint64, error),
) (p history.Page[T], err error) {
	below, err := history.Below(q)
	if err != nil || f.nothing {
		return p, errors.Join(err, ctx.Err())
	}
	keys, err := h.keys(ctx, s, l.mark)
	if err != nil {
		return p, err
	}
	if l.table == executions {
		keys = keys.executionKeys()
	}
	f.span(l.time, l.key, s, keys)
	f.where(l.key+" < ?", int64(below))
	query := "SELECT " + l.columns + " FROM " + l.table + f.index + " WHERE " + strings.Join(f.conditions, " AND ") +
		" ORDER BY " + l.key + " DESC LIMIT ?"
	var rowKeys []uint64
	p.Items, err = collect(ctx, h.db.reader, func(row scanner, item *T) error {
		key, err := read(row, item)
		rowKeys = append(rowKeys, key)
		return err
	}, query, append(f.args, q.Limit()+1)...)
	if err == nil && len(p.Items) > q.Limit() {
		p.Items = p.Items[:q.Limit()]
		p.Next = history.NextPage(q, rowKeys[q.Limit()-1])
	}
	return p, err
}

// Orders implements history.Store.
func (h *History) Orders(ctx context.Context, q history.OrderQuery) (history.Page[trade.Order], error) {
	f := h.accountFilter(q.Account, q.Symbol)
	switch q.State {
	case history.AnyOrder:
	case history.WorkingOrder:
		f.where("working = 1")
	case history.FinishedOrder:
		f.where("working = 0")
	}
	return page(ctx, h, listing{"orders", "id", "entered", "data", "last_order"}, f, &q, q.Span,
		func(row scanner, o *trade.Order) (uint64, error) {
			err := scanOrder(row, o)
			return uint64(o.ID), err
		})
}

// accountFilter begins a query by account.
func (h *History) accountFilter(account trade.AccountID, symbol trade.Symbol) *filter {
	f := &filter{}
	f.named(h.names, "account = ?", string(account))
	if symbol != "" {
		f.named(h.names, "symbol = ?", string(symbol))
	}
	return f
}

// scanOrder reads a row's only column.
func scanOrder(row scanner, order *trade.Order) error {
	var data sql.RawBytes
	if err := row.Scan(&data); err != nil {
		return err
	}
	decoded, err := record.DecodeOrder(data)
	if err == nil {
		*order = *decoded
	}
	return err
}

// Order implements history.Store.
func (h *History) Order(ctx context.Context, account trade.AccountID, ref trade.OrderRef) (o trade.Order, ok bool, err error) {
	number, ok := h.names.find(string(account))
	if !ok || ref.ID > math.MaxInt64 {
		return trade.Order{}, false, ctx.Err()
	}
	query, arg := "SELECT data FROM orders WHERE account = ? AND client_order_id = ? ORDER BY id DESC LIMIT 1", any(string(ref.ClientOrderID))
	if ref.ID != 0 {
		query, arg = "SELECT data FROM orders WHERE +account = ? AND id = ?", int64(ref.ID)
	}
	found, err := collect(ctx, h.db.reader, scanOrder, query, number, arg)
	if err != nil || len(found) == 0 {
		return trade.Order{}, false, err
	}
	return found[0], true, nil
}

// executions is the table of executions; its keys are made of sequences.
const executions = "executions"

// Executions implements history.Store.
func (h *History) Executions(ctx context.Context, q history.ExecutionQuery) (history.Page[history.Execution], error) {
	f := h.accountFilter(q.Account, q.Symbol)
	f.nothing = f.nothing || q.Order > math.MaxInt64
	if q.Order != 0 {
		// Otherwise SQLite may read all of the account's.
		f.index = " INDEXED BY executions_by_order"
		f.where("order_id = ?", int64(q.Order))
	}
	return page(ctx, h, listing{executions, "id", "time", "id, time, data", "sequence"}, f, &q, q.Span,
		func(row scanner, e *history.Execution) (key uint64, err error) {
			var data sql.RawBytes
			if err := row.Scan(&key, &e.Time, &data); err != nil {
				return 0, err
			}
			e.Sequence, e.Event = history.SplitExecutionKey(key)
			e.ExecutionReport, err = record.DecodeReport(data)
			return key, err
		})
}

// Trades implements history.Store.
func (h *History) Trades(ctx context.Context, q history.TradeQuery) (history.Page[trade.Print], error) {
	f := &filter{}
	f.named(h.names, "symbol = ?", string(q.Symbol))
	return page(ctx, h, listing{"trades", "id", "time", "id, price, quantity, aggressor, status, time", "last_trade"}, f, &q, q.Span,
		func(row scanner, t *trade.Print) (uint64, error) {
			t.Symbol = q.Symbol
			err := row.Scan(&t.ID, &t.Price, &t.Quantity, &t.Aggressor, &t.Status, &t.Time)
			return uint64(t.ID), err
		})
}

// Trade implements history.Store. A party's details are read from its order, so
// the client order id is the current one.
func (h *History) Trade(ctx context.Context, id trade.TradeID) (t trade.Trade, ok bool, err error) {
	if id > math.MaxInt64 {
		return t, false, ctx.Err()
	}
	var buyer, seller, symbol int64
	found, err := collect(ctx, h.db.reader, func(row scanner, t *trade.Trade) error {
		return row.Scan(&t.ID, &symbol, &t.Price, &t.Quantity, &t.Aggressor, &t.Status, &t.Time, &t.BustTime, &buyer, &seller)
	}, "SELECT id, symbol, price, quantity, aggressor, status, time, bust_time, buyer, seller FROM trades WHERE id = ?", int64(id))
	if err != nil || len(found) == 0 {
		return t, false, err
	}
	t = found[0]
	t.Symbol = trade.Symbol(h.names.name(symbol))
	for party, order := range map[*trade.Party]int64{&t.Buyer: buyer, &t.Seller: seller} {
		orders, err := collect(ctx, h.db.reader, scanOrder, "SELECT data FROM orders WHERE id = ?", order)
		if err != nil || len(orders) == 0 {
			return trade.Trade{}, false, err
		}
		o := &orders[0]
		*party = trade.Party{Account: o.Account, User: o.User, Order: o.ID, ClientOrderID: o.ClientOrderID}
	}
	return t, true, nil
}

// Audit implements history.Store.
func (h *History) Audit(ctx context.Context, q history.AuditQuery) (history.Page[history.AuditEntry], error) {
	f := &filter{}
	if q.User != "" {
		f.named(h.names, "user = ? AND user <> 0", string(q.User))
	}
	return page(ctx, h, listing{"audit", "sequence", "time", "sequence, time, kind, user, account, request, detail", "sequence"}, f, &q, q.Span,
		func(row scanner, a *history.AuditEntry) (uint64, error) {
			var user, account int64
			err := row.Scan(&a.Sequence, &a.Time, &a.Kind, &user, &account, &a.Request, &a.Detail)
			a.User, a.Account = trade.UserID(h.names.name(user)), trade.AccountID(h.names.name(account))
			return a.Sequence, err
		})
}
