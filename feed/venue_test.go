package feed_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"todoku/trade"
)

// venue makes random records that are as consistent as the engine's, and computes the
// resulting state itself. It is the naive model of these tests: simple, not fast.
type venue struct {
	random   *rand.Rand
	sequence uint64
	time     int64

	instruments map[trade.Symbol]*trade.Instrument
	last        map[trade.Symbol]trade.Price
	versions    map[trade.Symbol]uint64
	users       map[trade.UserID]*trade.User
	orders      map[trade.OrderID]*trade.Order
	positions   map[[2]string]*trade.Position
	limits      map[trade.AccountID]trade.Limits
	trades      []trade.Trade
	nextOrder   trade.OrderID
	nextTrade   trade.TradeID
	records     map[uint64]*trade.Record
	idle        map[trade.UserID]bool // They never trade.
	renamed     map[trade.RequestID]trade.AccountID
}

func newVenue(seed uint64) *venue {
	return &venue{
		random:      rand.New(rand.NewPCG(seed, 1)),
		time:        time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano(),
		instruments: make(map[trade.Symbol]*trade.Instrument),
		last:        make(map[trade.Symbol]trade.Price),
		versions:    make(map[trade.Symbol]uint64),
		users:       make(map[trade.UserID]*trade.User),
		orders:      make(map[trade.OrderID]*trade.Order),
		positions:   make(map[[2]string]*trade.Position),
		limits:      make(map[trade.AccountID]trade.Limits),
		records:     make(map[uint64]*trade.Record),
		idle:        make(map[trade.UserID]bool),
		renamed:     make(map[trade.RequestID]trade.AccountID),
	}
}

// record puts events under the next sequence, a millisecond later.
func (v *venue) record(kind trade.CommandKind, events ...trade.Event) *trade.Record {
	v.sequence++
	v.time += int64(time.Millisecond)
	r := &trade.Record{Sequence: v.sequence, Time: v.time, Events: events}
	r.Command.Kind = kind
	r.Command.Answer.Sequence = v.sequence
	v.records[v.sequence] = r
	for _, event := range events {
		switch e := event.(type) {
		case *trade.ExecutionReport:
			e.Order.Sequence = v.sequence
			if kept := v.orders[e.Order.ID]; kept != nil {
				kept.Sequence = v.sequence
			}
		case *trade.PositionChanged:
			e.Position.Sequence = v.sequence
			v.positions[[2]string{string(e.Position.Account), string(e.Position.Symbol)}].Sequence = v.sequence
		}
	}
	return r
}

// opening creates two instruments, one of which discloses, and the users. Each
// user has an account of the same name.
func (v *venue) opening(users ...trade.User) []*trade.Record {
	records := []*trade.Record{v.instrument("AAA", true), v.instrument("BBB", false)}
	for _, user := range users {
		records = append(records, v.user(user))
	}
	return records
}

func (v *venue) instrument(symbol trade.Symbol, disclose bool) *trade.Record {
	i := trade.Instrument{
		Symbol: symbol, Name: "Instrument " + string(symbol), Class: trade.AssetClassEquity, Currency: "JPY",
		TickSize: 1, LotSize: 1, MinQuantity: 1, MaxQuantity: 1 << 40,
		Disclose: disclose, Status: trade.TradingStatusOpen,
	}
	v.instruments[symbol] = &i
	return v.record(trade.CommandUpsertInstrument, &trade.InstrumentChanged{Instrument: i})
}

func (v *venue) user(user trade.User) *trade.Record {
	v.users[user.ID] = &user
	return v.record(trade.CommandUpsertUser, &trade.UserChanged{User: user})
}

// step makes one random record.
func (v *venue) step() *trade.Record {
	switch n := v.random.IntN(100); {
	case n < 45:
		return v.place()
	case n < 75:
		return v.hit()
	case n < 80:
		return v.cancel()
	case n < 85:
		return v.replace()
	case n < 88:
		return v.bust()
	case n < 91:
		account := v.account()
		v.limits[account] = trade.Limits{MaxOpenOrders: v.random.Uint32N(100)}
		return v.record(trade.CommandSetLimits, &trade.LimitsChanged{Account: account, Limits: v.limits[account]})
	case n < 94:
		return v.presence()
	case n < 97:
		e := &trade.Announced{From: "root", Text: fmt.Sprintf("notice %d", n)}
		if n%2 == 0 {
			e.To = []trade.UserID{v.anyUser().ID, v.anyUser().ID}
		}
		return v.record(trade.CommandAnnounce, e)
	case n < 99:
		return v.refuse()
	default:
		return v.record(trade.CommandAdvanceClock, &trade.DayEnded{End: v.time, Next: v.time + 1})
	}
}

func (v *venue) anyUser() *trade.User {
	ids := slices.Sorted(maps.Keys(v.users))
	return v.users[ids[v.random.IntN(len(ids))]]
}

// account returns an account of a user who trades.
func (v *venue) account() trade.AccountID {
	for {
		if user := v.anyUser(); !v.idle[user.ID] {
			return trade.AccountID(user.ID)
		}
	}
}

func (v *venue) symbol() trade.Symbol {
	symbols := slices.Sorted(maps.Keys(v.instruments))
	return symbols[v.random.IntN(len(symbols))]
}

func (v *venue) newOrder(symbol trade.Symbol, side trade.Side, price trade.Price, quantity trade.Quantity) trade.Order {
	v.nextOrder++
	account := v.account()
	return trade.Order{
		ID: v.nextOrder, Account: account, User: trade.UserID(account),
		ClientOrderID: trade.RequestID(fmt.Sprintf("request-%d", v.nextOrder)),
		Symbol:        symbol, Side: side, Type: trade.OrderTypeLimit, TimeInForce: trade.TimeInForceDay,
		Price: price, Quantity: quantity, Leaves: quantity, Status: trade.OrderStatusNew,
		Entered: v.time, Updated: v.time,
	}
}

// place rests an order. Bids are below 1,000 and offers above, so that books are
// never crossed.
func (v *venue) place() *trade.Record {
	side, price := trade.SideBuy, trade.Price(990+v.random.IntN(10))
	if v.random.IntN(2) == 0 {
		side, price = trade.SideSell, trade.Price(1001+v.random.IntN(10))
	}
	o := v.newOrder(v.symbol(), side, price, trade.Quantity(1+v.random.IntN(50)))
	v.orders[o.ID] = &o
	return v.record(trade.CommandPlaceOrder,
		&trade.ExecutionReport{Type: trade.ExecTypeNew, Order: o, Request: o.ClientOrderID},
		v.level(o.Symbol, o.Side, o.Price))
}

// resting returns a working order, best prices first, or nil.
func (v *venue) resting() *trade.Order {
	symbol := v.symbol()
	var best *trade.Order
	for _, id := range slices.Sorted(maps.Keys(v.orders)) {
		o := v.orders[id]
		if o.Symbol == symbol && (best == nil || v.random.IntN(3) == 0) {
			best = o
		}
	}
	return best
}

// hit trades a new order against a resting one of another account.
func (v *venue) hit() *trade.Record {
	resting := v.resting()
	if resting == nil {
		return v.place()
	}
	quantity := trade.Quantity(1 + v.random.Int64N(int64(resting.Leaves)))
	taker := v.newOrder(resting.Symbol, resting.Side.Opposite(), resting.Price, quantity)
	if taker.Account == resting.Account {
		return v.cancel()
	}
	taker.Filled, taker.Leaves, taker.Status = quantity, 0, trade.OrderStatusFilled
	maker := *resting
	maker.Filled += quantity
	maker.Leaves -= quantity
	maker.Status = trade.OrderStatusPartiallyFilled
	if maker.Leaves == 0 {
		maker.Status = trade.OrderStatusFilled
		delete(v.orders, maker.ID)
	} else {
		v.orders[maker.ID] = &maker
	}
	v.nextTrade++
	t := trade.Trade{
		ID: v.nextTrade, Symbol: maker.Symbol, Price: maker.Price, Quantity: quantity, Aggressor: taker.Side,
		Status: trade.TradeStatusConcluded, Time: v.time,
	}
	*t.Party(taker.Side) = party(taker)
	*t.Party(maker.Side) = party(maker)
	v.trades = append(v.trades, t)
	v.last[t.Symbol] = t.Price
	return v.record(trade.CommandPlaceOrder,
		v.traded(trade.ExecTypeTrade, t, taker, maker.Account, false),
		v.traded(trade.ExecTypeTrade, t, maker, taker.Account, true),
		&trade.TradeChanged{Trade: t},
		v.level(maker.Symbol, maker.Side, maker.Price),
		v.fill(taker, t), v.fill(maker, t))
}

func party(o trade.Order) trade.Party {
	return trade.Party{Account: o.Account, User: o.User, Order: o.ID, ClientOrderID: o.ClientOrderID}
}

func (v *venue) traded(kind trade.ExecType, t trade.Trade, o trade.Order, other trade.AccountID, maker bool) *trade.ExecutionReport {
	r := &trade.ExecutionReport{
		Type: kind, Order: o, LastPrice: t.Price, LastQuantity: t.Quantity, Trade: t.ID, Maker: maker,
	}
	if v.instruments[o.Symbol].Disclose {
		r.Counterparty = other
	}
	return r
}

func (v *venue) fill(o trade.Order, t trade.Trade) *trade.PositionChanged {
	key := [2]string{string(o.Account), string(o.Symbol)}
	if v.positions[key] == nil {
		v.positions[key] = &trade.Position{Account: o.Account, Symbol: o.Symbol}
	}
	v.positions[key].Fill(o.Side, t.Price, t.Quantity)
	return &trade.PositionChanged{Position: *v.positions[key]}
}

func (v *venue) cancel() *trade.Record {
	resting := v.resting()
	if resting == nil {
		return v.place()
	}
	o := *resting
	o.Leaves, o.Status = 0, trade.OrderStatusCanceled
	delete(v.orders, o.ID)
	return v.record(trade.CommandCancelOrder,
		&trade.ExecutionReport{Type: trade.ExecTypeCanceled, Order: o, Reason: trade.ReasonRequested},
		v.level(o.Symbol, o.Side, o.Price))
}

// replace changes an order's price and name; the old name is no longer found.
func (v *venue) replace() *trade.Record {
	resting := v.resting()
	if resting == nil {
		return v.place()
	}
	o, old := *resting, *resting
	o.ClientOrderID = trade.RequestID(fmt.Sprintf("again-%d", v.sequence))
	o.Price++
	if o.Price == 1000 {
		o.Price -= 2
	}
	v.orders[o.ID] = &o
	v.renamed[old.ClientOrderID] = old.Account
	return v.record(trade.CommandReplaceOrder,
		&trade.ExecutionReport{Type: trade.ExecTypeReplaced, Order: o, Request: o.ClientOrderID},
		v.level(o.Symbol, o.Side, old.Price), v.level(o.Symbol, o.Side, o.Price))
}

// bust undoes the newest trade in words only: positions and orders stay.
func (v *venue) bust() *trade.Record {
	if len(v.trades) == 0 {
		return v.place()
	}
	t := v.trades[len(v.trades)-1]
	v.trades = v.trades[:len(v.trades)-1]
	t.Status = trade.TradeStatusBusted
	e := &trade.TradeChanged{Trade: t, Text: "a mistake", LastMoved: true}
	for _, other := range v.trades {
		if other.Symbol == t.Symbol {
			e.LastPrice, e.LastTrade = other.Price, other.ID
		}
	}
	v.last[t.Symbol] = e.LastPrice
	return v.record(trade.CommandBustTrade, e)
}

func (v *venue) refuse() *trade.Record {
	resting := v.resting()
	if resting == nil {
		return v.place()
	}
	return v.record(trade.CommandReplaceOrder,
		&trade.CancelRejected{Order: *resting, Request: "late", Reason: trade.ReasonBelowFilled})
}

func (v *venue) presence() *trade.Record {
	user := *v.anyUser()
	e := &trade.PresenceChanged{User: user.ID, DisplayName: user.DisplayName, Online: !user.Online}
	r := v.record(trade.CommandSetPresence, e)
	user.Online, user.Since = e.Online, r.Time
	v.users[user.ID] = &user
	return r
}

// level adds a level up from its orders. Every change counts as a move.
func (v *venue) level(symbol trade.Symbol, side trade.Side, price trade.Price) *trade.LevelChanged {
	v.versions[symbol]++
	e := &trade.LevelChanged{Symbol: symbol, Side: side, Price: price, BookVersion: v.versions[symbol]}
	for _, o := range v.orders {
		if o.Symbol == symbol && o.Side == side && o.Price == price {
			e.Quantity += o.Leaves
			e.Orders++
		}
	}
	return e
}

// book lists a side's levels, best first, by price, quantity and orders.
func (v *venue) book(symbol trade.Symbol, side trade.Side) [][3]int64 {
	levels := make(map[trade.Price]*[3]int64)
	for _, o := range v.orders {
		if o.Symbol != symbol || o.Side != side {
			continue
		}
		if levels[o.Price] == nil {
			levels[o.Price] = &[3]int64{int64(o.Price)}
		}
		levels[o.Price][1] += int64(o.Leaves)
		levels[o.Price][2]++
	}
	out := [][3]int64{}
	for _, level := range levels {
		out = append(out, *level)
	}
	slices.SortFunc(out, func(a, b [3]int64) int {
		if side == trade.SideBuy {
			a, b = b, a
		}
		return cmp.Compare(a[0], b[0])
	})
	return out
}

// snapshot returns the parts of the engine's snapshot that the feed reads.
func (v *venue) snapshot() *trade.Snapshot {
	s := &trade.Snapshot{Sequence: v.sequence, Time: v.time, LastOrder: v.nextOrder, LastTrade: v.nextTrade}
	for _, symbol := range slices.Sorted(maps.Keys(v.instruments)) {
		s.Instruments = append(s.Instruments, trade.InstrumentState{
			Instrument: *v.instruments[symbol], LastPrice: v.last[symbol], BookVersion: v.versions[symbol],
			Levels: trade.Levels{Bids: v.levels(symbol, trade.SideBuy), Offers: v.levels(symbol, trade.SideSell)},
		})
	}
	for _, id := range slices.Sorted(maps.Keys(v.users)) {
		s.Users = append(s.Users, *v.users[id])
	}
	for _, id := range slices.Sorted(maps.Keys(v.limits)) {
		s.Accounts = append(s.Accounts, trade.AccountState{Account: id, Limits: v.limits[id]})
	}
	for _, id := range slices.Sorted(maps.Keys(v.orders)) {
		s.Orders = append(s.Orders, *v.orders[id])
	}
	slices.SortStableFunc(s.Orders, func(a, b trade.Order) int {
		return cmp.Or(cmp.Compare(a.Symbol, b.Symbol), cmp.Compare(a.Side, b.Side))
	})
	for _, p := range v.positions {
		s.Positions = append(s.Positions, *p)
	}
	slices.SortFunc(s.Positions, func(a, b trade.Position) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Symbol, b.Symbol))
	})
	return s
}

// levels returns the displayed levels of a side, best price first.
func (v *venue) levels(symbol trade.Symbol, side trade.Side) []trade.Level {
	byPrice := map[trade.Price]trade.Level{}
	for _, o := range v.orders {
		if o.Symbol == symbol && o.Side == side {
			l := byPrice[o.Price]
			byPrice[o.Price] = trade.Level{Price: o.Price, Quantity: l.Quantity + o.Leaves, Orders: l.Orders + 1}
		}
	}
	return slices.SortedFunc(maps.Values(byPrice), func(a, b trade.Level) int {
		if side == trade.SideBuy {
			return cmp.Compare(b.Price, a.Price)
		}
		return cmp.Compare(a.Price, b.Price)
	})
}
