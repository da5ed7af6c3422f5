package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"todoku/book"
	"todoku/trade"
)

// auditor follows the records of a venue as a reader of the journal would, with
// the simplest model of each thing. It checks the records against the rules of trading,
// and the engine's state against the records.
type auditor struct {
	sequence  uint64
	time      int64
	entered   uint64 // counts entries into a queue
	resting   map[trade.OrderID]*auditOrder
	reported  map[trade.OrderID]trade.Order // after its latest report
	trades    map[trade.TradeID]trade.Trade
	positions map[auditHolding]trade.Position
	levels    map[auditLevel]trade.LevelChanged
	versions  map[trade.Symbol]uint64
	limits    map[trade.Symbol]trade.Instrument
	risk      riskAudit
	suspended map[trade.UserID]bool
	disclosed map[trade.TradeID]bool // whose reports name the counterparties
}

// auditOrder is a resting order and when it came to the end of its queue.
type auditOrder struct {
	trade.Order

	entered uint64
}

type auditHolding struct {
	account trade.AccountID
	symbol  trade.Symbol
}

type auditLevel struct {
	symbol trade.Symbol
	side   trade.Side
	price  trade.Price
}

func levelOf(e *trade.LevelChanged) auditLevel { return auditLevel{e.Symbol, e.Side, e.Price} }

func newAuditor() *auditor {
	return &auditor{
		resting:   map[trade.OrderID]*auditOrder{},
		reported:  map[trade.OrderID]trade.Order{},
		trades:    map[trade.TradeID]trade.Trade{},
		positions: map[auditHolding]trade.Position{},
		levels:    map[auditLevel]trade.LevelChanged{},
		versions:  map[trade.Symbol]uint64{},
		limits:    map[trade.Symbol]trade.Instrument{},
		risk:      newRiskAudit(),
		suspended: map[trade.UserID]bool{},
		disclosed: map[trade.TradeID]bool{},
	}
}

// follow applies a record to the model and returns the first promise that it breaks.
func (a *auditor) follow(r *trade.Record) error {
	if r.Sequence != a.sequence+1 || r.Time <= a.time {
		return fmt.Errorf("record %d at %d follows %d at %d", r.Sequence, r.Time, a.sequence, a.time)
	}
	a.sequence, a.time = r.Sequence, r.Time
	best := a.bests()
	a.risk.begin()
	var incoming *trade.Order
	var touched []*trade.LevelChanged
	for i, e := range r.Events {
		var err error
		switch e := e.(type) {
		case *trade.ExecutionReport:
			incoming, err = a.report(e, incoming, r.Time)
		case *trade.CancelRejected:
			if now := a.reported[e.Order.ID]; now != e.Order {
				err = fmt.Errorf("order %+v is reported as unchanged %+v", now, e.Order)
			}
		case *trade.TradeChanged:
			err = a.traded(e)
		case *trade.LevelChanged:
			touched = append(touched, e)
			a.levels[levelOf(e)] = *e
		case *trade.PositionChanged:
			if want := a.positions[auditHolding{e.Position.Account, e.Position.Symbol}]; want != e.Position {
				err = fmt.Errorf("position %+v, want %+v", e.Position, want)
			}
		case *trade.InstrumentChanged:
			err = a.instrument(&e.Instrument)
		case *trade.UserChanged:
			a.suspended[e.User.ID] = e.User.Suspended
		case *trade.LimitsChanged:
			a.risk.limits[e.Account] = e.Limits
		}
		if err != nil {
			return fmt.Errorf("event %d of record %d: %w", i, r.Sequence, err)
		}
	}
	if incoming != nil && incoming.Status.Working() {
		a.entered++
		a.resting[incoming.ID] = &auditOrder{*incoming, a.entered}
	}
	return errors.Join(a.checkLevels(touched), a.checkVersions(best, touched), a.checkSuspended(r))
}

// report checks an execution report against the rules for the states of an order.
func (a *auditor) report(e *trade.ExecutionReport, incoming *trade.Order, now int64) (*trade.Order, error) {
	o := e.Order
	before, known := a.reported[o.ID]
	switch {
	case o.Updated != now:
		return nil, fmt.Errorf("report at %d says %d", now, o.Updated)
	case o.Sequence != a.sequence:
		return nil, fmt.Errorf("a report of record %d says that %d changed the order", a.sequence, o.Sequence)
	case o.Status.Working() && o.Quantity != o.Filled+o.Leaves:
		return nil, fmt.Errorf("%v is not %v filled and %v left", o.Quantity, o.Filled, o.Leaves)
	case !o.Status.Working() && o.Leaves != 0:
		return nil, fmt.Errorf("order %d is %v and leaves %v", o.ID, o.Status, o.Leaves)
	case o.Filled < 0 || o.Leaves < 0 || o.Filled > o.Quantity:
		return nil, fmt.Errorf("order %d: %v of %v filled, %v left", o.ID, o.Filled, o.Quantity, o.Leaves)
	case known == (e.Type == trade.ExecTypeNew || e.Type == trade.ExecTypeRejected):
		return nil, fmt.Errorf("order %d: %v, and known before is %v", o.ID, e.Type, known)
	case known && !before.Status.Working() && e.Type != trade.ExecTypeTradeCancel:
		return nil, fmt.Errorf("order %d is %v after it was %v", o.ID, e.Type, before.Status)
	case known && o.Filled < before.Filled && e.Type != trade.ExecTypeTradeCancel:
		return nil, fmt.Errorf("order %d: filled fell from %v to %v", o.ID, before.Filled, o.Filled)
	}
	a.reported[o.ID] = o
	resting := a.resting[o.ID]
	switch e.Type {
	case trade.ExecTypeNew:
		return &o, nil
	case trade.ExecTypeReplaced:
		if o.Leaves == 0 {
			if delete(a.resting, o.ID); o.Status != trade.OrderStatusFilled || o.Quantity != before.Filled || o.Filled != before.Filled {
				return nil, fmt.Errorf("order %d ends by a replace as %+v", o.ID, o)
			}
			return incoming, nil
		}
		if o.Price == before.Price && o.Leaves <= before.Leaves {
			resting.Order = o
			return incoming, nil
		}
		delete(a.resting, o.ID)
		return &o, nil
	case trade.ExecTypeTrade:
		a.disclosed[e.Trade] = e.Counterparty != ""
		if o.Filled != before.Filled+e.LastQuantity || e.LastQuantity <= 0 {
			return nil, fmt.Errorf("order %d: %v and %v make %v", o.ID, before.Filled, e.LastQuantity, o.Filled)
		}
		if !e.Maker {
			return &o, nil
		}
		return incoming, a.made(e, incoming)
	case trade.ExecTypeCanceled, trade.ExecTypeExpired:
		if e.Reason == trade.ReasonUserSuspended && !a.suspended[o.User] || e.Reason == trade.ReasonDisconnected && o.Session == "" {
			return nil, fmt.Errorf("order %d of %s is canceled: %v", o.ID, o.User, e.Reason)
		}
		if resting == nil {
			return nil, nil
		}
		delete(a.resting, o.ID)
	case trade.ExecTypeTradeCancel:
		t := a.trades[e.Trade]
		if other := t.Party(o.Side.Opposite()).Account; a.disclosed[e.Trade] != (e.Counterparty == other) {
			return nil, fmt.Errorf("the bust of trade %d names %q", e.Trade, e.Counterparty)
		}
		if o.Filled != before.Filled-e.LastQuantity {
			return nil, fmt.Errorf("order %d: %v less %v make %v", o.ID, before.Filled, e.LastQuantity, o.Filled)
		}
		if resting != nil {
			resting.Order = o
		}
	case trade.ExecTypeRejected, trade.ExecTypeUnspecified:
	}
	return incoming, nil
}

// made checks the maker's side of a trade: price-time priority and both limits.
func (a *auditor) made(e *trade.ExecutionReport, taker *trade.Order) error {
	maker := a.resting[e.Order.ID]
	if maker == nil || taker == nil {
		return fmt.Errorf("order %d trades without resting", e.Order.ID)
	}
	if first := a.front(maker.Symbol, maker.Side); first != maker {
		return fmt.Errorf("order %d trades before order %d", maker.ID, first.ID)
	}
	outside := func(side trade.Side, limit trade.Price) bool {
		return limit != 0 && (side == trade.SideBuy && e.LastPrice > limit || side == trade.SideSell && e.LastPrice < limit)
	}
	switch {
	case e.LastPrice != maker.Price:
		return fmt.Errorf("a trade at %v, not the maker's %v", e.LastPrice, maker.Price)
	case outside(taker.Side, taker.Price):
		return fmt.Errorf("order %d trades at %v, beyond its limit %v", taker.ID, e.LastPrice, taker.Price)
	case taker.Account == maker.Account:
		return fmt.Errorf("orders %d and %d of one account trade", taker.ID, maker.ID)
	}
	if maker.Order = e.Order; e.Order.Leaves == 0 {
		delete(a.resting, maker.ID)
	}
	return nil
}

// front returns the order that is first to trade on a side.
func (a *auditor) front(symbol trade.Symbol, side trade.Side) *auditOrder {
	var first *auditOrder
	for _, o := range a.resting {
		if o.Symbol == symbol && o.Side == side && (first == nil || compareQueue(o, first) < 0) {
			first = o
		}
	}
	return first
}

// compareQueue orders two orders of one side by price, then by entry.
func compareQueue(x, y *auditOrder) int {
	switch {
	case x.Price != y.Price && (x.Price > y.Price) == (x.Side == trade.SideBuy):
		return -1
	case x.Price != y.Price:
		return 1
	case x.entered < y.entered:
		return -1
	}
	return 1
}

// trade adds a trade to the positions, or removes a busted one.
func (a *auditor) trade(t *trade.Trade) error {
	old, known := a.trades[t.ID]
	if known == (t.Status == trade.TradeStatusConcluded) || known && old.Status == trade.TradeStatusBusted {
		return fmt.Errorf("trade %d is %v after %v", t.ID, t.Status, old.Status)
	}
	a.trades[t.ID] = *t
	for _, side := range []trade.Side{trade.SideBuy, trade.SideSell} {
		at := auditHolding{t.Party(side).Account, t.Symbol}
		p := a.positions[at]
		if t.Status == trade.TradeStatusBusted {
			p = a.recount(at, t.ID)
		} else {
			p.Fill(side, t.Price, t.Quantity)
		}
		p.Account, p.Symbol, p.Sequence = at.account, at.symbol, a.sequence
		a.positions[at] = p
	}
	return nil
}

// checkLevels compares the reported levels with the orders that rest there.
func (a *auditor) checkLevels(touched []*trade.LevelChanged) error {
	for i, told := range touched {
		at := levelOf(told)
		if slices.ContainsFunc(touched[:i], func(other *trade.LevelChanged) bool { return levelOf(other) == at }) {
			return fmt.Errorf("level %+v is reported twice", at)
		}
		var quantity trade.Quantity
		orders := uint32(0)
		for _, o := range a.resting {
			if o.Symbol == at.symbol && o.Side == at.side && o.Price == at.price {
				quantity += o.Leaves
				orders++
			}
		}
		if told.Quantity != quantity || told.Orders != orders {
			return fmt.Errorf("level %+v: %v in %d orders was reported, %v in %d rest", at, told.Quantity, told.Orders, quantity, orders)
		}
		if orders == 0 {
			delete(a.levels, at)
		}
	}
	return nil
}

// bests returns the best prices of all instruments.
func (a *auditor) bests() map[auditLevel]trade.Price {
	best := map[auditLevel]trade.Price{}
	for at := range a.levels {
		of := auditLevel{symbol: at.symbol, side: at.side}
		if price, ok := best[of]; !ok || (at.price > price) == (at.side == trade.SideBuy) {
			best[of] = at.price
		}
	}
	return best
}

// checkVersions compares the book versions with the moves of the best prices.
func (a *auditor) checkVersions(before map[auditLevel]trade.Price, touched []*trade.LevelChanged) error {
	after := a.bests()
	for symbol := range a.limits {
		want := a.versions[symbol]
		for _, side := range []trade.Side{trade.SideBuy, trade.SideSell} {
			if at := (auditLevel{symbol: symbol, side: side}); before[at] != after[at] {
				want = a.versions[symbol] + 1
			}
		}
		told := want == a.versions[symbol]
		for _, level := range touched {
			if level.Symbol != symbol {
				continue
			}
			told = true
			if level.BookVersion != want {
				return fmt.Errorf("%s: book version %d, want %d", symbol, level.BookVersion, want)
			}
		}
		if !told {
			return fmt.Errorf("%s: the best price moved without a report", symbol)
		}
		a.versions[symbol] = want
	}
	return nil
}

// compare compares a state with the records, and its parts with each other.
func (a *auditor) compare(s *state) error {
	working := 0
	for symbol, m := range s.instruments {
		if m.version != a.versions[symbol] {
			return fmt.Errorf("%s: book version %d, want %d", symbol, m.version, a.versions[symbol])
		}
		for _, side := range []trade.Side{trade.SideBuy, trade.SideSell} {
			queue, err := a.compareSide(s, m, side)
			if err != nil {
				return fmt.Errorf("%s %v: %w", symbol, side, err)
			}
			working += queue
		}
	}
	if working != len(s.orders) || working != len(a.resting) {
		return fmt.Errorf("%d orders in books, %d in the index, %d by the records", working, len(s.orders), len(a.resting))
	}
	return errors.Join(a.compareAccounts(s), checkIndexes(s))
}

// compareSide compares a side of a book with the orders that should be in it.
func (a *auditor) compareSide(s *state, m *market, side trade.Side) (int, error) {
	var want []*auditOrder
	for _, o := range a.resting {
		if o.Symbol == m.instrument.Symbol && o.Side == side {
			want = append(want, o)
		}
	}
	slices.SortFunc(want, compareQueue)
	n := 0
	var levels []book.Level
	for got := range m.book.Orders(book.Side(side)) {
		if last := len(levels) - 1; last < 0 || levels[last].Tick != got.Tick {
			levels = append(levels, book.Level{Tick: got.Tick, Side: book.Side(side)})
		}
		levels[len(levels)-1].Quantity += got.Left
		levels[len(levels)-1].Orders++
		if n == len(want) || trade.OrderID(got.ID) != want[n].ID || trade.Quantity(got.Left) != want[n].Leaves {
			return 0, fmt.Errorf("order %d with %d left is at place %d of %d", got.ID, got.Left, n, len(want))
		}
		if w := s.orders[want[n].ID]; w == nil || w.Order != want[n].Order || w.market != m || w.account.number != got.Owner {
			return 0, fmt.Errorf("order %d is %+v, by the records %+v", got.ID, w, want[n].Order)
		}
		n++
	}
	if n != len(want) {
		return 0, fmt.Errorf("%d orders, want %d", n, len(want))
	}
	if got := m.book.Levels(nil, book.Side(side), math.MaxInt); !slices.Equal(got, levels) {
		return 0, fmt.Errorf("levels %+v, the orders make %+v", got, levels)
	}
	return n, nil
}

// compareAccounts checks the positions and the working quantities of each account.
func (a *auditor) compareAccounts(s *state) error {
	sums, cash := map[trade.Symbol]trade.Quantity{}, map[trade.Symbol]trade.Amount{}
	working := 0
	for id, account := range s.accounts {
		working += len(account.working)
		for symbol, h := range account.holdings {
			want := a.positions[auditHolding{id, symbol}]
			want.Account, want.Symbol = id, symbol
			if h.position != want {
				return fmt.Errorf("position %+v, want %+v", h.position, want)
			}
			sums[symbol] += h.position.Quantity
			cash[symbol] = cash[symbol].Add(h.position.Realised).Sub(h.position.Cost)
			var buying, selling trade.Quantity
			for _, o := range account.working {
				switch {
				case o.holding != h:
				case o.Side == trade.SideBuy:
					buying += o.Leaves
				default:
					selling += o.Leaves
				}
			}
			if h.buying != buying || h.selling != selling {
				return fmt.Errorf("%s %s: works %v and %v, the orders %v and %v", id, symbol, h.buying, h.selling, buying, selling)
			}
		}
	}
	for symbol, sum := range sums {
		if sum != 0 {
			return fmt.Errorf("the positions in %s make %v", symbol, sum)
		}
	}
	for symbol, sum := range cash {
		if sum.Sign() != 0 {
			return fmt.Errorf("the accounts together received %v for %s", sum, symbol)
		}
	}
	if working != len(s.orders) {
		return fmt.Errorf("%d orders in accounts, %d in the index", working, len(s.orders))
	}
	for at, p := range a.positions {
		flat := p == trade.Position{Account: at.account, Symbol: at.symbol}
		if account := s.accounts[at.account]; !flat && (account == nil || account.holdings[at.symbol] == nil) {
			return fmt.Errorf("%s has no position in %s", at.account, at.symbol)
		}
	}
	return nil
}

// checkIndexes checks the indexes of a state.
func checkIndexes(s *state) error {
	day, timed, ofSessions := 0, 0, 0
	for id, o := range s.orders {
		if o.Session != "" {
			ofSessions++
			if s.sessions[o.Session][id] != o {
				return fmt.Errorf("order %d is not among those of session %s", id, o.Session)
			}
		}
		if o.ID != id || o.account.working[o.ClientOrderID] != o || o.account.holdings[o.Symbol] != o.holding {
			return fmt.Errorf("order %d is not where it should be", id)
		}
		switch o.TimeInForce {
		case trade.TimeInForceDay:
			day++
		case trade.TimeInForceGTD:
			timed++
			if o.expiry.place >= len(s.deadlines) || s.deadlines[o.expiry.place] != &o.expiry {
				return fmt.Errorf("order %d is not among the deadlines", id)
			}
		case trade.TimeInForceUnspecified, trade.TimeInForceGTC, trade.TimeInForceIOC, trade.TimeInForceFOK:
		}
	}
	for session, orders := range s.sessions {
		if ofSessions -= len(orders); len(orders) == 0 {
			return fmt.Errorf("session %s has no orders", session)
		}
	}
	if ofSessions != 0 {
		return fmt.Errorf("%d orders of sessions are not indexed", ofSessions)
	}
	if day != s.dayOrders || timed != len(s.deadlines) {
		return fmt.Errorf("%d DAY and %d GTD orders, counted %d and %d", day, timed, s.dayOrders, len(s.deadlines))
	}
	for i, e := range s.deadlines {
		if i > 0 && s.deadlines.Less(i, (i-1)/2) {
			return fmt.Errorf("order %d expires before its parent in the heap", e.id)
		}
	}
	found := 0
	for kept := range s.requests.all() {
		if s.requests.find(&kept.Actor) != kept {
			return fmt.Errorf("request %+v is not found", kept.Actor)
		}
		found++
	}
	named := 0
	for i := range s.requests.tables {
		named += s.requests.tables[i].used
	}
	if found != named || found != s.requests.len() {
		return fmt.Errorf("%d requests, %d by name, counted %d", found, named, s.requests.len())
	}
	return nil
}
