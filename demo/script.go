package demo

import (
	"math/rand/v2"
	"slices"

	"todoku/trade"
)

// The script decides what the demo traders do, without clock or network. It returns
// one command, takes the venue's answer, and decides the next. All randomness comes
// from the seed.

// What happens next on a market, in percent.
const (
	chanceMove = 35 // the maker follows a new fair price
	chanceTake = 40 // a taker trades
	// Otherwise the maker changes the size of a quote, or replaces one that has gone.
)

// pausedTurns is how many turns a market is skipped after it refused an order: it may be
// halted.
const pausedTurns = 20

// kind is what a command does.
type kind int

const (
	place kind = iota
	replace
	cancel
	take // place an immediate-or-cancel order
)

// command is one request of one demo trader.
type command struct {
	intent
	kind   kind
	trader int // makers first, then takers
	price  trade.Price
	// quantity is the order's total: for a replace, it includes what is filled.
	quantity trade.Quantity
	orderID  string // what is replaced or canceled
}

// outcome is what the venue answered.
type outcome struct {
	// refused is the reason of a refusal; empty when the command was accepted.
	refused string
	// gone says that the order to replace or cancel had ended before.
	gone bool
	// The present order, if there is one.
	orderID        string
	filled, leaves trade.Quantity
}

// intent is a decision that becomes a command later, by the state of its market then.
type intent struct {
	market  *market
	side    trade.Side
	ticks   int64 // the price on its ladder
	opening bool  // part of the first ladder
}

// script is the state of the whole demo. One goroutine uses it.
type script struct {
	rng     *rand.Rand
	takers  int
	markets []*market
	intents []intent
}

// newScript begins without quotes: the first commands build the ladders.
func newScript(seed int64, markets []*market) *script {
	s := &script{
		rng:     rand.New(rand.NewPCG(uint64(seed), 0)), //nolint:gosec // The same seed must give the same market.
		takers:  takers,
		markets: markets,
	}
	for _, m := range markets {
		for level := range int64(levels) {
			s.intents = append(s.intents,
				intent{m, trade.SideBuy, m.ticksAt(trade.SideBuy, level), true},
				intent{m, trade.SideSell, m.ticksAt(trade.SideSell, level), true})
		}
	}
	return s
}

// next returns the next command, or false when nothing is to be done this time.
// The caller must call answered with its outcome before it asks again.
func (s *script) next() (command, bool) {
	if len(s.intents) == 0 {
		if c, ok := s.plan(); ok {
			return c, true
		}
	}
	for len(s.intents) > 0 {
		i := s.intents[0]
		s.intents = s.intents[1:]
		if c, ok := s.quote(i); ok {
			return c, true
		}
	}
	return command{}, false
}

// plan decides what happens next: a taker's order at once, or quotes as intents.
func (s *script) plan() (command, bool) {
	m := s.markets[s.rng.IntN(len(s.markets))]
	if m.paused > 0 {
		m.paused--
		return command{}, false
	}
	switch roll := s.rng.IntN(100); {
	case roll < chanceMove:
		direction := int64(-1)
		if s.rng.IntN(1000) < 500+m.drift() {
			direction = 1
		}
		for range 1 + s.rng.Int64N(m.stride) {
			s.move(m, direction)
		}
	case roll < chanceMove+chanceTake && s.takers > 0:
		return s.take(m)
	default:
		side := trade.SideBuy
		if s.rng.IntN(2) == 0 {
			side = trade.SideSell
		}
		s.intents = append(s.intents, intent{market: m, side: side, ticks: m.ticksAt(side, s.rng.Int64N(levels))})
	}
	return command{}, false
}

// move changes the fair price by one tick. On each side the quote at one end of the
// ladder goes to the other end, first on the side that makes room, so that the maker
// never trades with itself.
func (s *script) move(m *market, direction int64) {
	m.fair += direction
	first := trade.SideBuy
	if direction > 0 {
		first = trade.SideSell
	}
	second := first.Opposite()
	s.intents = append(s.intents,
		intent{market: m, side: first, ticks: m.ticksAt(first, levels-1)},
		intent{market: m, side: second, ticks: m.ticksAt(second, 0)})
}

// quote returns the command that corrects one rung of a ladder.
func (s *script) quote(i intent) (command, bool) {
	m := i.market
	rung := m.rung(i.side, i.ticks)
	c := command{
		intent: i, trader: m.maker, price: trade.Price(i.ticks) * m.tick,
		quantity: m.unit * trade.Quantity(1+s.rng.Int64N(6)),
	}
	switch {
	case rung.orderID == "" && !m.wants(i.side):
		return command{}, false
	case rung.orderID == "":
		c.kind = place
	case !m.wants(i.side):
		c.kind, c.orderID = cancel, rung.orderID
	default:
		c.kind, c.orderID = replace, rung.orderID
		c.quantity += rung.filled
	}
	return c, true
}

// take returns a taker's order, within its bound, through the best levels. The larger its
// position, the likelier the taker reduces it.
func (s *script) take(m *market) (command, bool) {
	taker := s.rng.IntN(s.takers)
	held, most := m.taken[taker], takerUnits*m.unit
	c := command{intent: intent{market: m, side: trade.SideSell}, kind: take, trader: makers + taker}
	c.quantity = m.unit * trade.Quantity(1+s.rng.Int64N(4))
	through := m.half + 3
	if trade.Quantity(s.rng.Int64N(1000)) < 500-500*held/most {
		c.side, c.price = trade.SideBuy, trade.Price(m.fair+through)*m.tick
		c.quantity = min(c.quantity, most-held)
	} else {
		c.price = trade.Price(m.fair-through) * m.tick
		c.quantity = min(c.quantity, most+held)
	}
	return c, c.quantity > 0
}

// answered applies the venue's answer to the latest command.
func (s *script) answered(c command, o outcome) {
	m := c.market
	if c.kind == take {
		s.taken(c, o)
		return
	}
	rung := m.rung(c.side, c.ticks)
	news := max(o.filled-rung.filled, 0) // An unknown order has 0.
	m.fill(c.side, news)
	switch {
	case o.refused == "" && o.leaves > 0:
		*rung = quoted{orderID: o.orderID, filled: o.filled}
	case o.gone, o.refused == "" && c.kind == replace:
		// It has ended, perhaps because more had traded than the new quantity.
		*rung = quoted{}
		s.again(c)
	case o.refused == "":
		*rung = quoted{}
	default:
		m.paused = pausedTurns
	}
}

// again puts a quote whose replacement failed at the front of the queue.
func (s *script) again(c command) {
	if c.kind == replace {
		s.intents = slices.Insert(s.intents, 0, c.intent)
	}
}

// taken applies a taker's fill. The maker restores the quote that traded, and every second
// time the fair price moves.
func (s *script) taken(c command, o outcome) {
	if o.refused != "" {
		c.market.paused = pausedTurns
	}
	if o.filled == 0 {
		return
	}
	m, direction := c.market, int64(1)
	signed := o.filled
	if c.side == trade.SideSell {
		signed, direction = -signed, -1
	}
	m.taken[c.trader-makers] += signed
	touched := c.side.Opposite()
	s.intents = append(s.intents, intent{market: m, side: touched, ticks: m.ticksAt(touched, 0)})
	if s.rng.IntN(2) == 0 {
		s.move(m, direction)
	}
}
