package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"todoku/trade"
)

// step is one command of a random stream and how long before it the clock moves.
type step struct {
	wait    time.Duration
	command trade.Command
}

// streamMaker makes commands of every kind: mostly valid ones, some that are refused.
type streamMaker struct {
	*rand.Rand

	venue    *testVenue
	requests int
	used     []trade.Actor
}

var (
	streamUsers   = []trade.UserID{"alice", "bob", "carol", "dave", "erin", "frank"}
	streamSymbols = []trade.Symbol{"USDJPY", "EURUSD", "GOLD"}
)

// newStreamVenue returns a venue with users and instruments for a random stream.
func newStreamVenue(t testing.TB) *testVenue {
	t.Helper()
	v := newTestVenue(t)
	for _, s := range streamSetup() {
		v.must(s.command)
	}
	return v
}

// streamSetup returns the first commands of every random stream.
func streamSetup() []step {
	var all []step
	add := func(c trade.Command) { all = append(all, step{command: c}) }
	add(&trade.ConfigureVenue{Venue: trade.Venue{DayEnd: 22 * 60 * 60}})
	sign := func(roles trade.Role, name trade.UserID, accounts ...trade.AccountID) {
		add(&trade.UpsertUser{Create: true, NewUser: trade.User{ID: name, DisplayName: string(name), Roles: roles, Accounts: accounts}})
	}
	for _, u := range streamUsers {
		sign(trade.RoleTrader, u, trade.AccountID(u), "desk")
	}
	sign(trade.RoleRisk, "rita", "rita")
	sign(trade.RoleAdmin, "adam", "adam")
	for i, symbol := range streamSymbols {
		in := testInstrument(symbol)
		if i == 1 {
			in.Band, in.ReferencePrice, in.Disclose = 1000, 100_00000000, true
		}
		add(&trade.UpsertInstrument{Instrument: in})
	}
	return all
}

// makeStream makes a stream and plays it, so that each command fits the current state.
func makeStream(v *testVenue, seed uint64, commands int) []step {
	v.t.Helper()
	m := &streamMaker{Rand: rand.New(rand.NewPCG(seed, 2)), venue: v}
	stream := make([]step, 0, commands)
	for range commands {
		s := step{wait: time.Duration(m.IntN(3_000_000)), command: m.command()}
		switch roll := m.IntN(1000); {
		case roll < 2:
			s.wait = time.Duration(m.IntN(20)) * time.Hour
		case roll < 15:
			s.wait = time.Duration(m.IntN(60)) * time.Minute
		}
		v.clock = v.clock.Add(s.wait)
		v.submit(s.command)
		m.used = append(m.used, *s.command.From())
		stream = append(stream, s)
	}
	return stream
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// actor returns a user and a request id: mostly a new one, sometimes a used one.
func (m *streamMaker) actor() trade.Actor {
	user := pick(m.Rand, streamUsers)
	a := trade.Actor{User: user, Account: trade.AccountID(user)}
	switch m.IntN(40) {
	case 0:
		a.Account = "desk"
	case 1:
		a.Account = trade.AccountID(pick(m.Rand, streamUsers)) // Somebody else's, mostly.
	case 2:
		if len(m.used) > 0 {
			return pick(m.Rand, m.used)
		}
	}
	m.requests++
	a.Request = trade.RequestID(fmt.Sprint("r", m.requests))
	return a
}

func (m *streamMaker) staff(user trade.UserID) trade.Actor {
	m.requests++
	return trade.Actor{User: user, Request: trade.RequestID(fmt.Sprint("r", m.requests))}
}

func (m *streamMaker) command() trade.Command {
	switch roll := m.IntN(1000); {
	case roll < 660:
		return m.place()
	case roll < 790:
		c := &trade.ReplaceOrder{Actor: m.actor()}
		c.Target = m.target(&c.Actor)
		if m.IntN(2) == 0 {
			c.Price = m.price()
		}
		if m.IntN(2) == 0 {
			c.Quantity = m.quantity()
		}
		return c
	case roll < 930:
		c := &trade.CancelOrder{Actor: m.actor()}
		c.Target = m.target(&c.Actor)
		if m.IntN(20) == 0 {
			c.User = "rita"
		}
		return c
	case roll < 935:
		return m.massCancel()
	case roll < 955:
		return m.bust()
	}
	return m.administration()
}

func (m *streamMaker) price() trade.Price {
	p := trade.Price(9900+m.IntN(200)) * 1_000_000
	if m.IntN(50) == 0 {
		p++ // Off the tick.
	}
	return p
}

func (m *streamMaker) quantity() trade.Quantity {
	if m.IntN(100) == 0 {
		return trade.Quantity(m.Int64())
	}
	return trade.Quantity(1+m.IntN(30)) * 100_000_000
}

func (m *streamMaker) place() trade.Command {
	c := &trade.PlaceOrder{
		Actor: m.actor(), Symbol: pick(m.Rand, streamSymbols), Side: trade.SideBuy + trade.Side(m.IntN(2)),
		TimeInForce: trade.TimeInForce(m.IntN(6)), SelfTrade: trade.SelfTrade(m.IntN(4)),
		Price: m.price(), Quantity: m.quantity(), PostOnly: m.IntN(12) == 0,
	}
	if m.IntN(3) == 0 {
		c.Session = fmt.Sprint("s", m.IntN(4))
	}
	if m.IntN(12) == 0 {
		c.Type, c.Price = trade.OrderTypeMarket, 0
		c.TimeInForce = pick(m.Rand, []trade.TimeInForce{0, trade.TimeInForceIOC, trade.TimeInForceFOK})
	}
	if c.TimeInForce == trade.TimeInForceGTD {
		c.Expire = m.venue.clock.Add(time.Duration(m.IntN(100)) * time.Minute).UnixNano()
	}
	if m.IntN(20) == 0 {
		c.Guard = trade.StaleGuard{Set: true, SeenBookVersion: uint64(m.IntN(1000)), MaxBookMoves: uint64(m.IntN(1000))}
	}
	return c
}

// target returns mostly a working order of the account.
func (m *streamMaker) target(a *trade.Actor) trade.OrderRef {
	state := m.venue.engine.state
	if account := state.accounts[a.Account]; account != nil && m.IntN(20) > 0 {
		if orders := account.orders(); len(orders) > 0 {
			o := pick(m.Rand, orders)
			if m.IntN(2) == 0 {
				return trade.OrderRef{ID: o.ID}
			}
			return trade.OrderRef{ClientOrderID: o.ClientOrderID}
		}
	}
	return trade.OrderRef{ID: trade.OrderID(m.Uint64N(uint64(state.lastOrder) + 2))}
}

func (m *streamMaker) massCancel() trade.Command {
	c := &trade.MassCancel{Actor: m.actor(), Side: trade.Side(m.IntN(3)), DayOnly: m.IntN(3) == 0}
	if m.IntN(2) == 0 {
		c.Symbol = pick(m.Rand, streamSymbols)
	}
	switch m.IntN(10) {
	case 0:
		c.Actor = m.staff("rita")
	case 1, 2:
		c = &trade.MassCancel{Session: fmt.Sprint("s", m.IntN(4)), DayOnly: true, Reason: trade.ReasonDisconnected}
	}
	return c
}

// bust undoes one of the earlier trades, with the facts from the records.
func (m *streamMaker) bust() trade.Command {
	trades := len(m.venue.auditor.trades)
	if trades == 0 {
		return m.place()
	}
	t := m.venue.auditor.trades[trade.TradeID(1+m.IntN(trades))]
	c := m.venue.auditor.bust(&t)
	c.Actor, c.Text = m.staff("adam"), "Taken back."
	return c
}

func (m *streamMaker) administration() trade.Command {
	user := pick(m.Rand, streamUsers)
	symbol := pick(m.Rand, streamSymbols)
	switch m.IntN(10) {
	case 0, 1:
		status := trade.TradingStatusOpen
		if m.IntN(8) == 0 {
			status = trade.TradingStatus(m.IntN(6))
		}
		return &trade.SetTradingStatus{Actor: m.staff("rita"), Symbol: symbol, Status: status, Text: "As it is."}
	case 2:
		i := testInstrument(symbol)
		i.TickSize *= trade.Price(1 + m.IntN(2))
		return &trade.UpsertInstrument{Actor: m.staff("adam"), Instrument: i}
	case 3:
		u := trade.User{ID: user, DisplayName: "new name", Roles: trade.RoleTrader, Accounts: []trade.AccountID{trade.AccountID(user), "desk"}}
		u.Suspended = m.IntN(8) == 0
		return &trade.UpsertUser{Actor: m.staff("adam"), NewUser: u}
	case 4:
		return &trade.SetLimits{Actor: m.staff("rita"), Target: trade.AccountID(user), Limits: trade.Limits{
			MaxOrderQuantity: 25_00000000 * trade.Quantity(m.IntN(2)), MaxOpenOrders: uint32(m.IntN(2) * 40),
			MaxOrderNotional: trade.Notional(100_00000000, trade.Quantity(m.IntN(2)*24_00000000)),
			Band:             trade.BasisPoints(m.IntN(2) * 90), MaxMessagesPerSecond: uint32(m.IntN(2) * 300),
		}}
	case 5:
		return &trade.Announce{Actor: m.staff("adam"), Text: "Something.", To: []trade.UserID{user}}
	case 6:
		return &trade.ConfigureVenue{Actor: m.staff("adam"), Venue: trade.Venue{DayEnd: uint32(20+m.IntN(4)) * 60 * 60}}
	case 7:
		return &trade.AdvanceClock{}
	}
	return &trade.SetPresence{Subject: user, Online: m.IntN(2) == 0}
}
