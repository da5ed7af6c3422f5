package historytest

import (
	"fmt"
	"math/rand/v2"

	"todoku/trade"
)

// Begin is the time of the first record that a Venue makes, in nanoseconds since
// 1970.
const Begin = 1_790_000_000_000_000_000

// Venue makes records as an engine might: ids and times rise, an order's reports
// follow from one another, trades have two sides. It does not match or keep
// books, because a history does not need that.
type Venue struct {
	// Accounts and Symbols are how many of each take part.
	Accounts, Symbols int

	random   *rand.Rand
	sequence uint64
	time     int64
	orders   trade.OrderID
	trades   trade.TradeID
	working  []*trade.Order
	done     []*trade.Trade
}

// NewVenue returns a venue whose records depend on the seed alone.
func NewVenue(seed uint64) *Venue {
	return &Venue{Accounts: 4, Symbols: 3, random: rand.New(rand.NewPCG(seed, 1)), time: Begin}
}

// Next returns n more records.
func (v *Venue) Next(n int) []*trade.Record {
	records := make([]*trade.Record, n)
	for i := range records {
		records[i] = v.record()
	}
	return records
}

// Working returns the orders that still work, as a snapshot would have them.
func (v *Venue) Working() []trade.Order {
	orders := make([]trade.Order, len(v.working))
	for i, o := range v.working {
		orders[i] = *o
	}
	return orders
}

// record usually enters an order that sometimes trades, else does another thing.
func (v *Venue) record() *trade.Record {
	v.sequence++
	v.time += v.random.Int64N(3) * 500_000_000 // Some records share their time.
	r := &trade.Record{Sequence: v.sequence, Time: v.time}
	switch n := v.random.IntN(20); {
	case n < 12 || len(v.working) == 0:
		v.place(r)
	case n < 15:
		v.cancel(r)
	case n < 17:
		v.replace(r)
	case n == 17 && len(v.done) > 0:
		v.bust(r)
	case n == 18:
		v.tick(r)
	default:
		v.administer(r)
	}
	r.Command.Answer.Sequence = r.Sequence
	return r
}

func (v *Venue) actor(r *trade.Record, kind trade.CommandKind, account int, request trade.RequestID) {
	r.Command.Kind = kind
	r.Command.Actor = trade.Actor{User: user(account), Account: Account(account), Request: request}
}

// Account names one of a venue's accounts, Symbol one of its instruments.
func Account(n int) trade.AccountID { return trade.AccountID(fmt.Sprintf("desk-%d", n)) }

// Symbol names one of a venue's instruments.
func Symbol(n int) trade.Symbol { return trade.Symbol(fmt.Sprintf("SYM%d", n)) }

func user(n int) trade.UserID { return trade.UserID(fmt.Sprintf("user-%d", n)) }

// request mostly makes a new name; now and then one that was used before, as on
// another trading day.
func (v *Venue) request() trade.RequestID {
	n := v.sequence
	if v.random.IntN(5) == 0 {
		n = 1 + v.random.Uint64N(n)
	}
	return requestID(n)
}

func requestID(n uint64) trade.RequestID { return trade.RequestID(fmt.Sprintf("request-%06d", n)) }

func (v *Venue) place(r *trade.Record) {
	account := v.random.IntN(v.Accounts)
	v.orders++
	o := &trade.Order{
		ID: v.orders, Account: Account(account), User: user(account), ClientOrderID: v.request(),
		Symbol: Symbol(v.random.IntN(v.Symbols)), Side: trade.Side(1 + v.random.IntN(2)), Type: trade.OrderTypeLimit,
		TimeInForce: trade.TimeInForceGTC, SelfTrade: trade.SelfTradeCancelTaker,
		Price: trade.Price(1 + v.random.Int64N(1_000_000)), Status: trade.OrderStatusNew,
		Quantity: trade.Quantity(2 + v.random.Int64N(1000)), Entered: r.Time, Updated: r.Time,
	}
	o.Leaves = o.Quantity
	v.actor(r, trade.CommandPlaceOrder, account, o.ClientOrderID)
	if v.random.IntN(10) == 0 {
		o.Status, o.Leaves = trade.OrderStatusRejected, 0
		v.report(r, trade.ExecTypeRejected, o, trade.ReasonMarketHalted)
	} else {
		v.report(r, trade.ExecTypeNew, o, trade.ReasonNone)
		if len(v.working) > 0 && v.random.IntN(2) == 0 {
			v.match(r, o, v.working[v.random.IntN(len(v.working))])
		}
		if o.Status.Working() {
			v.working = append(v.working, o)
		}
	}
	r.Command.Answer = trade.Answer{Subject: trade.SubjectOrder, ID: uint64(o.ID), Status: o.Status, Filled: o.Filled, Leaves: o.Leaves}
}

func (v *Venue) match(r *trade.Record, taker, maker *trade.Order) {
	quantity := min(taker.Leaves, maker.Leaves)
	v.trades++
	party := func(o *trade.Order) trade.Party {
		return trade.Party{Account: o.Account, User: o.User, Order: o.ID, ClientOrderID: o.ClientOrderID}
	}
	t := &trade.Trade{
		ID: v.trades, Symbol: maker.Symbol, Price: maker.Price, Quantity: quantity, Aggressor: taker.Side,
		Buyer: party(taker), Seller: party(maker), Status: trade.TradeStatusConcluded, Time: r.Time,
	}
	for _, o := range []*trade.Order{taker, maker} {
		o.Filled += quantity
		o.Leaves -= quantity
		o.Status = trade.OrderStatusPartiallyFilled
		if o.Leaves == 0 {
			o.Status = trade.OrderStatusFilled
		}
		e := v.report(r, trade.ExecTypeTrade, o, trade.ReasonNone)
		e.LastPrice, e.LastQuantity, e.Trade, e.Maker = t.Price, quantity, t.ID, o == maker
	}
	changed := &trade.TradeChanged{Trade: *t}
	r.Events = append(r.Events, changed, &trade.LevelChanged{Symbol: maker.Symbol, Side: maker.Side, Price: maker.Price})
	v.done = append(v.done, t)
	v.forget(maker)
}

func (v *Venue) cancel(r *trade.Record) {
	o := v.working[v.random.IntN(len(v.working))]
	account := accountNumber(o.Account)
	v.actor(r, trade.CommandCancelOrder, account, v.request())
	r.Command.Answer = trade.Answer{Subject: trade.SubjectOrder, ID: uint64(o.ID)}
	if v.random.IntN(4) == 0 {
		r.Events = append(r.Events, &trade.CancelRejected{Order: *o, Request: r.Command.Request, Reason: trade.ReasonTooLate})
		return
	}
	o.Status, o.Leaves = trade.OrderStatusCanceled, 0
	v.report(r, trade.ExecTypeCanceled, o, trade.ReasonRequested)
	v.forget(o)
}

func (v *Venue) replace(r *trade.Record) {
	o := v.working[v.random.IntN(len(v.working))]
	v.actor(r, trade.CommandReplaceOrder, accountNumber(o.Account), v.request())
	o.ClientOrderID = r.Command.Request
	o.Quantity++
	o.Leaves++
	r.Command.Answer = trade.Answer{Subject: trade.SubjectOrder, ID: uint64(o.ID)}
	v.report(r, trade.ExecTypeReplaced, o, trade.ReasonNone)
}

func (v *Venue) bust(r *trade.Record) {
	t := v.done[v.random.IntN(len(v.done))]
	v.actor(r, trade.CommandBustTrade, 0, v.request())
	r.Command.Account = ""
	t.Status, t.BustTime = trade.TradeStatusBusted, r.Time
	r.Events = append(r.Events, &trade.TradeChanged{Trade: *t, Text: "a slip\nof the finger"})
}

func (v *Venue) tick(r *trade.Record) {
	r.Command.Kind = trade.CommandAdvanceClock
	o := v.working[v.random.IntN(len(v.working))]
	o.Status, o.Leaves = trade.OrderStatusExpired, 0
	v.report(r, trade.ExecTypeExpired, o, trade.ReasonDayEnded).Request = ""
	v.forget(o)
	r.Events = append(r.Events, &trade.DayEnded{End: r.Time, Next: r.Time + 86_400_000_000_000})
}

func (v *Venue) administer(r *trade.Record) {
	v.actor(r, trade.CommandAnnounce, v.random.IntN(v.Accounts), v.request())
	r.Command.Account = ""
	r.Events = append(r.Events, &trade.Announced{From: "The venue", Text: "lunch\nat noon"})
}

func (v *Venue) report(r *trade.Record, kind trade.ExecType, o *trade.Order, reason trade.Reason) *trade.ExecutionReport {
	o.Updated = r.Time
	e := &trade.ExecutionReport{Type: kind, Order: *o, Request: r.Command.Request, Reason: reason}
	r.Events = append(r.Events, e)
	return e
}

func (v *Venue) forget(o *trade.Order) {
	if o.Status.Working() {
		return
	}
	for i, other := range v.working {
		if other == o {
			v.working[i] = v.working[len(v.working)-1]
			v.working = v.working[:len(v.working)-1]
			return
		}
	}
}

func accountNumber(account trade.AccountID) (n int) {
	_, _ = fmt.Sscanf(string(account), "desk-%d", &n)
	return n
}
