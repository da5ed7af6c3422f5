package demo

import (
	"fmt"
	"reflect"
	"testing"

	"todoku/trade"
)

// play runs a script on a venue for so many turns and returns its commands.
func play(s *script, v *venue, turns int) []string {
	var lines []string
	for range turns {
		c, ok := s.next()
		if !ok {
			continue
		}
		o := v.do(c)
		lines = append(lines, fmt.Sprintf("%d %d %s %s %s @ %s %s → %s", c.kind, c.trader, c.side, c.quantity, c.market.symbol, c.price, c.orderID, o.refused))
		s.answered(c, o)
	}
	return lines
}

func TestSameSeedSameMarket(t *testing.T) {
	const turns = 2000
	first, second, other := newVenue(t), newVenue(t), newVenue(t)
	a := play(newScript(7, newMarkets()), first, turns)
	b := play(newScript(7, newMarkets()), second, turns)
	if !reflect.DeepEqual(a, b) {
		t.Error("the same seed gave other commands")
	}
	if x, y := first.hash(), second.hash(); x != y {
		t.Error("the same seed left another venue")
	}
	if reflect.DeepEqual(a, play(newScript(8, newMarkets()), other, turns)) {
		t.Error("another seed gave the same commands")
	}
}

func TestBooksMoveAndStayDeepWhilePositionsStayBounded(t *testing.T) {
	v := newVenue(t)
	all := newMarkets()
	s := newScript(1, all)
	play(s, v, 2*levels*len(all))
	kinds := map[kind]int{}
	low, high := map[string]int64{}, map[string]int64{}
	for turn := range 12_000 {
		c, ok := s.next()
		if ok {
			kinds[c.kind]++
			o := v.do(c)
			if o.refused != "" && !o.gone {
				t.Fatalf("turn %d: %+v refused: %s", turn, c, o.refused)
			}
			s.answered(c, o)
		}
		for _, m := range all {
			low[m.symbol], high[m.symbol] = min(low[m.symbol], m.fair-m.anchor), max(high[m.symbol], m.fair-m.anchor)
		}
		if turn%100 == 0 {
			checkBooks(t, turn, v, all)
		}
	}
	for _, k := range []kind{place, replace, take} {
		if kinds[k] < 400 {
			t.Errorf("only %d commands of kind %d", kinds[k], k)
		}
	}
	if v.trades < 1200 {
		t.Errorf("only %d trades", v.trades)
	}
	for _, m := range all {
		if high[m.symbol]-low[m.symbol] < 10 || high[m.symbol]-low[m.symbol] > 4*span {
			t.Errorf("%s moved from %d to %d ticks", m.symbol, low[m.symbol], high[m.symbol])
		}
	}
}

// checkBooks fails unless every book has ten levels and a narrow spread, and the
// script knows what its traders hold.
func checkBooks(t *testing.T, turn int, v *venue, all []*market) {
	t.Helper()
	names := Traders()
	for _, m := range all {
		book := v.levels[trade.Symbol(m.symbol)]
		bids, offers := book[trade.SideBuy], book[trade.SideSell]
		if len(bids) < 9 || len(offers) < 9 {
			t.Fatalf("turn %d: %s has %d bids and %d offers: %+v", turn, m.symbol, len(bids), len(offers), m)
		}
		best, worst := trade.Price(0), trade.Price(1<<62)
		for p := range bids {
			best = max(best, p)
		}
		for p := range offers {
			worst = min(worst, p)
		}
		if spread := int64((worst - best) / m.tick); spread < 1 || spread > 4*m.half+8 {
			t.Fatalf("turn %d: the spread of %s is %d ticks", turn, m.symbol, spread)
		}
		for taker, held := range m.taken {
			if held > takerUnits*m.unit || held < -takerUnits*m.unit {
				t.Fatalf("turn %d: a taker holds %s of %s", turn, held, m.symbol)
			}
			if is := v.positions[trade.AccountID(names[makers+taker])][trade.Symbol(m.symbol)]; is != held {
				t.Fatalf("turn %d: a taker holds %s of %s, the script has %s", turn, is, m.symbol, held)
			}
		}
		if is := v.positions[trade.AccountID(names[m.maker])][trade.Symbol(m.symbol)]; is < -2*makerUnits*m.unit || is > 2*makerUnits*m.unit {
			t.Fatalf("turn %d: a maker holds %s of %s", turn, is, m.symbol)
		}
	}
}

func TestLaddersAreRestoredAfterEveryQuoteWasCanceled(t *testing.T) {
	v := newVenue(t)
	all := newMarkets()
	s := newScript(3, all)
	play(s, v, 2*levels*len(all))
	for _, name := range Traders() {
		v.must(&trade.MassCancel{Actor: v.actor(name)})
	}
	play(s, v, 8_000)
	v.follow()
	checkBooks(t, 0, v, all)
}

func TestAHaltedMarketIsSkippedUntilItOpens(t *testing.T) {
	v := newVenue(t)
	all := newMarkets()[:1]
	s := newScript(5, all)
	play(s, v, 2*levels)
	status := func(to trade.TradingStatus) {
		v.must(&trade.SetTradingStatus{Symbol: "USDJPY", Status: to})
	}
	status(trade.TradingStatusHalted)
	if n := len(play(s, v, 1000)); n > 200 {
		t.Errorf("a halted market got %d orders in 1000 turns", n)
	}
	status(trade.TradingStatusOpen)
	before := v.trades
	play(s, v, 1000)
	if v.trades == before {
		t.Error("nothing traded after the halt")
	}
	checkBooks(t, 0, v, all)
}

func TestAMakerThatHoldsTooMuchQuotesOneSideOnly(t *testing.T) {
	v := newVenue(t)
	all := newMarkets()[:1]
	m := all[0]
	s := newScript(9, all)
	s.takers = 0
	play(s, v, 2*levels)
	for range 400 { // A person buys all offers.
		v.must(&trade.PlaceOrder{
			Actor: v.actor("alice"), Symbol: "USDJPY", Side: trade.SideBuy, Type: trade.OrderTypeMarket,
			TimeInForce: trade.TimeInForceIOC, Quantity: 10 * m.unit,
		})
		v.follow()
		play(s, v, 10)
	}
	most := makerUnits*m.unit + 2*levels*6*m.unit
	if held := v.positions["demo-maker-1"]["USDJPY"]; held < -most || held > -makerUnits*m.unit/2 {
		t.Errorf("the maker holds %s", held)
	}
}
