package demo

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"todoku/engine"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/trade"
	"todoku/trade/record"
)

// venue is a real engine without a network: it answers the script's commands.
type venue struct {
	t      *testing.T
	engine *engine.Engine
	stop   func()
	log    *journal.Log
	number int
	// filled is what every order has traded, by its id.
	filled    map[trade.OrderID]trade.Quantity
	levels    map[trade.Symbol]map[trade.Side]map[trade.Price]trade.Quantity
	positions map[trade.AccountID]map[trade.Symbol]trade.Quantity
	trades    int
	read      uint64
}

func newVenue(t *testing.T) *venue {
	t.Helper()
	log, err := journal.Open(t.Context(), journaltest.NewMemoryStore(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	e, err := engine.Open(t.Context(), log, engine.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- e.Run(ctx) }()
	v := &venue{
		t: t, engine: e, log: log,
		stop: sync.OnceFunc(func() {
			stop()
			if err := <-stopped; err != nil {
				t.Error(err)
			}
		}),
		filled:    map[trade.OrderID]trade.Quantity{},
		levels:    map[trade.Symbol]map[trade.Side]map[trade.Price]trade.Quantity{},
		positions: map[trade.AccountID]map[trade.Symbol]trade.Quantity{},
	}
	t.Cleanup(v.stop)
	for _, i := range Instruments() {
		v.must(&trade.UpsertInstrument{Instrument: instrument(t, i)})
	}
	for _, u := range Users() {
		v.must(&trade.UpsertUser{Create: true, NewUser: trade.User{
			ID: trade.UserID(u.Name), DisplayName: u.DisplayName, Roles: trade.RoleTrader, Accounts: []trade.AccountID{trade.AccountID(u.Name)},
		}})
	}
	return v
}

// instrument reads what Instruments wrote, as the API would.
func instrument(t *testing.T, i *todokuv1.Instrument) trade.Instrument {
	t.Helper()
	number := func(s string) int64 {
		if s == "" {
			return 0
		}
		p, err := trade.ParsePrice(s)
		if err != nil {
			t.Fatal(err)
		}
		return int64(p)
	}
	return trade.Instrument{
		Symbol: trade.Symbol(i.GetSymbol()), Name: i.GetName(), Currency: i.GetCurrency(),
		Class: trade.AssetClass(i.GetAssetClass()), Status: trade.TradingStatus(i.GetStatus()),
		TickSize: trade.Price(number(i.GetTickSize())), LotSize: trade.Quantity(number(i.GetLotSize())),
		MinQuantity: trade.Quantity(number(i.GetMinQuantity())), MaxQuantity: trade.Quantity(number(i.GetMaxQuantity())),
		LowLimitPrice: trade.Price(number(i.GetLowLimitPrice())), HighLimitPrice: trade.Price(number(i.GetHighLimitPrice())),
		Band: trade.BasisPoints(i.GetBandBasisPoints()), ReferencePrice: trade.Price(number(i.GetReferencePrice())),
		Disclose: i.GetDiscloseCounterparty(),
	}
}

// hash stops the venue and returns the hash of its state.
func (v *venue) hash() [32]byte {
	v.t.Helper()
	v.stop()
	_, sum, err := v.engine.Hash()
	if err != nil {
		v.t.Fatal(err)
	}
	return sum
}

func (v *venue) must(c trade.Command) trade.Answer {
	v.t.Helper()
	a, err := v.engine.Submit(v.t.Context(), c)
	if err != nil {
		v.t.Fatalf("%+v: %v", c, err)
	}
	return a
}

func (v *venue) actor(user string) trade.Actor {
	v.number++
	return trade.Actor{User: trade.UserID(user), Account: trade.AccountID(user), Request: trade.RequestID(strconv.Itoa(v.number))}
}

// do answers a command as the API would.
func (v *venue) do(c command) outcome {
	v.t.Helper()
	var id trade.OrderID
	if c.orderID != "" {
		n, err := strconv.ParseUint(c.orderID, 10, 64)
		if err != nil {
			v.t.Fatal(err)
		}
		id = trade.OrderID(n)
	}
	actor := v.actor(Traders()[c.trader])
	var order trade.Command
	switch c.kind {
	case replace:
		order = &trade.ReplaceOrder{Actor: actor, Target: trade.OrderRef{ID: id}, Price: c.price, Quantity: c.quantity}
	case cancel:
		order = &trade.CancelOrder{Actor: actor, Target: trade.OrderRef{ID: id}}
	case place, take:
		tif := trade.TimeInForceGTC
		if c.kind == take {
			tif = trade.TimeInForceIOC
		}
		order = &trade.PlaceOrder{
			Actor: actor, Symbol: trade.Symbol(c.market.symbol), Side: c.side, Type: trade.OrderTypeLimit, TimeInForce: tif,
			SelfTrade: trade.SelfTradeCancelMaker, Price: c.price, Quantity: c.quantity,
		}
	}
	answer, err := v.engine.Submit(v.t.Context(), order)
	v.follow()
	var refused *trade.Refusal
	switch {
	case errors.As(err, &refused) && refused.Reason == trade.ReasonUnknownOrder:
		return outcome{refused: refused.Reason.String(), gone: true, filled: v.filled[id]}
	case err != nil:
		v.t.Fatalf("%+v: %v", c, err)
	}
	o := outcome{orderID: strconv.FormatUint(uint64(answer.Order()), 10), filled: answer.Filled, leaves: answer.Leaves}
	if answer.Reason/100 >= 4 && answer.Reason/100 <= 6 {
		o.refused = answer.Reason.String()
	}
	return o
}

// follow reads what happened from the journal.
func (v *venue) follow() {
	v.t.Helper()
	records, err := v.log.Read(v.t.Context(), v.read, 1000)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, stored := range records {
		v.read = stored.Sequence
		r, err := record.Decode(stored.Sequence, stored.Time, stored.Data)
		if err != nil {
			v.t.Fatal(err)
		}
		for _, event := range r.Events {
			switch e := event.(type) {
			case *trade.ExecutionReport:
				v.filled[e.Order.ID] = e.Order.Filled
			case *trade.TradeChanged:
				v.trades++
			case *trade.LevelChanged:
				v.level(e)
			case *trade.PositionChanged:
				p := e.Position
				if v.positions[p.Account] == nil {
					v.positions[p.Account] = map[trade.Symbol]trade.Quantity{}
				}
				v.positions[p.Account][p.Symbol] = p.Quantity
			}
		}
	}
}

func (v *venue) level(e *trade.LevelChanged) {
	sides := v.levels[e.Symbol]
	if sides == nil {
		sides = map[trade.Side]map[trade.Price]trade.Quantity{trade.SideBuy: {}, trade.SideSell: {}}
		v.levels[e.Symbol] = sides
	}
	if e.Quantity == 0 {
		delete(sides[e.Side], e.Price)
		return
	}
	sides[e.Side][e.Price] = e.Quantity
}
