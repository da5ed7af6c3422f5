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
}

func (f *filter) where(condition string, args ...any) {
	f.conditions = append(f.conditions, condition)
	f.args = append(f.args, args...)
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
	if s.From != 0 {
		err := h.db.reader.QueryRowContext(ctx, "SELECT "+column+" FROM marks WHERE time < ? ORDER BY time DESC LIMIT 1", s.From).
			Scan(&keys.low)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return keyRange{}, err
		}
	}
	if s.To != 0 {
		err := h.db.reader.QueryRowContext(ctx, "SELECT "+column+" FROM marks WHERE time >= ? ORDER BY time LIMIT 1", s.To).
			Scan(&keys.high)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
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

// keyed is a row with its key.
type keyed[T any] struct {
	key  uint64
	item T
}

// page reads one page, newest first, and one row more to see whether another
// page follows.
func page[T any](ctx context.Context, from *sql.DB, table, key, columns string, f *filter, below uint64, limit int,
	next func(uint64) string, read func(scanner) (keyed[T], error),
) (history.Page[T], error) {
	f.where(key+" < ?", int64(below))
	query := "SELECT " + columns + " FROM " + table + " WHERE " + strings.Join(f.conditions, " AND ") +
		" ORDER BY " + key + " DESC LIMIT ?"
	rows, err := collect(ctx, from, func(row scanner, one *keyed[T]) (err error) {
		*one, err = read(row)
		return err
	}, query, append(f.args, limit+1)...)
	if err != nil {
		return history.Page[T]{}, err
	}
	var p history.Page[T]
	if len(rows) > limit {
		rows = rows[:limit]
		p.Next = next(rows[limit-1].key)
	}
	p.Items = make([]T, len(rows))
	for i := range rows {
		p.Items[i] = rows[i].item
	}
	return p, nil
}

// Orders implements history.Store.
func (h *History) Orders(ctx context.Context, q history.OrderQuery) (none history.Page[trade.Order], err error) {
	below, err := q.Below()
	if err != nil {
		return none, err
	}
	f, ok := h.accountFilter(q.Account, q.Symbol)
	if !ok {
		return none, ctx.Err()
	}
	switch q.State {
	case history.AnyOrder:
	case history.WorkingOrder:
		f.where("working = 1")
	case history.FinishedOrder:
		f.where("working = 0")
	}
	keys, err := h.keys(ctx, q.Span, "last_order")
	if err != nil {
		return none, err
	}
	f.span("entered", "id", q.Span, keys)
	return page(ctx, h.db.reader, "orders", "id", "data", f, below, q.Limit(), q.NextPage,
		func(row scanner) (keyed[trade.Order], error) {
			var o trade.Order
			err := scanOrder(row, &o)
			return keyed[trade.Order]{uint64(o.ID), o}, err
		})
}

// accountFilter begins a query by account; false says that it finds nothing.
func (h *History) accountFilter(account trade.AccountID, symbol trade.Symbol) (*filter, bool) {
	f := &filter{}
	number, ok := h.names.find(string(account))
	f.where("account = ?", number)
	if symbol != "" && ok {
		number, ok = h.names.find(string(symbol))
		f.where("symbol = ?", number)
	}
	return f, ok
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

// Executions implements history.Store.
func (h *History) Executions(ctx context.Context, q history.ExecutionQuery) (none history.Page[history.Execution], err error) {
	below, err := q.Below()
	if err != nil {
		return none, err
	}
	f, ok := h.accountFilter(q.Account, q.Symbol)
	if !ok || q.Order > math.MaxInt64 {
		return none, ctx.Err()
	}
	table := "executions"
	if q.Order != 0 {
		// Without being told, SQLite may read all of the account's.
		table += " INDEXED BY executions_by_order"
		f.where("order_id = ?", int64(q.Order))
	}
	keys, err := h.keys(ctx, q.Span, "sequence")
	if err != nil {
		return none, err
	}
	f.span("time", "id", q.Span, keys.executionKeys())
	return page(ctx, h.db.reader, table, "id", "id, time, data", f, below, q.Limit(), q.NextPage,
		func(row scanner) (keyed[history.Execution], error) {
			var one keyed[history.Execution]
			var data sql.RawBytes
			if err := row.Scan(&one.key, &one.item.Time, &data); err != nil {
				return one, err
			}
			report, err := record.DecodeReport(data)
			one.item.ExecutionReport = report
			one.item.Sequence, one.item.Event = history.SplitExecutionKey(one.key)
			return one, err
		})
}

// Trades implements history.Store.
func (h *History) Trades(ctx context.Context, q history.TradeQuery) (none history.Page[trade.Print], err error) {
	below, err := q.Below()
	if err != nil {
		return none, err
	}
	number, ok := h.names.find(string(q.Symbol))
	if !ok {
		return none, ctx.Err()
	}
	f := &filter{}
	f.where("symbol = ?", number)
	keys, err := h.keys(ctx, q.Span, "last_trade")
	if err != nil {
		return none, err
	}
	f.span("time", "id", q.Span, keys)
	return page(ctx, h.db.reader, "trades", "id", "id, price, quantity, aggressor, status, time", f, below, q.Limit(), q.NextPage,
		func(row scanner) (keyed[trade.Print], error) {
			t := trade.Print{Symbol: q.Symbol}
			err := row.Scan(&t.ID, &t.Price, &t.Quantity, &t.Aggressor, &t.Status, &t.Time)
			return keyed[trade.Print]{uint64(t.ID), t}, err
		})
}

// Trade implements history.Store. What is told of a party stands with its order;
// the client order id is the one that the order has now.
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
	for _, side := range []struct {
		order int64
		party *trade.Party
	}{{buyer, &t.Buyer}, {seller, &t.Seller}} {
		orders, err := collect(ctx, h.db.reader, scanOrder, "SELECT data FROM orders WHERE id = ?", side.order)
		if err != nil || len(orders) == 0 {
			return trade.Trade{}, false, err
		}
		o := &orders[0]
		*side.party = trade.Party{Account: o.Account, User: o.User, Order: o.ID, ClientOrderID: o.ClientOrderID}
	}
	return t, true, nil
}

// Audit implements history.Store.
func (h *History) Audit(ctx context.Context, q history.AuditQuery) (none history.Page[history.AuditEntry], err error) {
	below, err := q.Below()
	if err != nil {
		return none, err
	}
	f := &filter{}
	if q.User != "" {
		number, ok := h.names.find(string(q.User))
		if !ok {
			return none, ctx.Err()
		}
		f.where("user = ? AND user <> 0", number)
	}
	keys, err := h.keys(ctx, q.Span, "sequence")
	if err != nil {
		return none, err
	}
	f.span("time", "sequence", q.Span, keys)
	return page(ctx, h.db.reader, "audit", "sequence", "sequence, time, kind, user, account, request, detail", f, below, q.Limit(), q.NextPage,
		func(row scanner) (keyed[history.AuditEntry], error) {
			var a history.AuditEntry
			var user, account int64
			err := row.Scan(&a.Sequence, &a.Time, &a.Kind, &user, &account, &a.Request, &a.Detail)
			a.User, a.Account = trade.UserID(h.names.name(user)), trade.AccountID(h.names.name(account))
			return keyed[history.AuditEntry]{a.Sequence, a}, err
		})
}
