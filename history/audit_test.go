package history

import (
	"strings"
	"testing"

	"todoku/trade"
)

func TestTheAuditTrailSaysWhatCameOfACommand(t *testing.T) {
	order := trade.Order{
		ID: 7, Account: "desk-1", Symbol: "EUR/USD", Side: trade.SideBuy, Type: trade.OrderTypeLimit,
		TimeInForce: trade.TimeInForceDay, Price: 108_750_000, Quantity: 10_000_000_000, Status: trade.OrderStatusNew,
	}
	with := func(change func(*trade.Order)) trade.Order {
		o := order
		change(&o)
		return o
	}
	other := with(func(o *trade.Order) { o.ID = 3 })
	report := func(o trade.Order, reason trade.Reason) trade.Event {
		return &trade.ExecutionReport{Order: o, Reason: reason}
	}
	for _, c := range []struct {
		kind   trade.CommandKind
		answer trade.Answer
		events []trade.Event
		want   string
	}{
		{
			trade.CommandPlaceOrder,
			trade.Answer{Subject: trade.SubjectOrder, ID: 7},
			[]trade.Event{report(order, 0)},
			"order 7 BUY 100 EUR/USD LIMIT 1.0875 DAY: NEW",
		},
		{
			trade.CommandPlaceOrder,
			trade.Answer{Subject: trade.SubjectOrder, ID: 7},
			[]trade.Event{report(order, 0), report(with(func(o *trade.Order) {
				o.Status, o.Filled = trade.OrderStatusPartiallyFilled, 250_000_000
			}), 0), report(other, 0)},
			"order 7 BUY 100 EUR/USD LIMIT 1.0875 DAY: PARTIALLY_FILLED, filled 2.5",
		},
		{
			trade.CommandPlaceOrder,
			trade.Answer{Subject: trade.SubjectOrder, ID: 7},
			[]trade.Event{report(with(func(o *trade.Order) {
				o.Status, o.Type, o.Price, o.TimeInForce = trade.OrderStatusRejected, trade.OrderTypeMarket, 0, trade.TimeInForceIOC
			}), trade.ReasonMarketHalted)},
			"order 7 BUY 100 EUR/USD MARKET IOC: REJECTED, MARKET_HALTED",
		},
		{
			trade.CommandCancelOrder,
			trade.Answer{Subject: trade.SubjectOrder, ID: 7},
			[]trade.Event{report(with(func(o *trade.Order) { o.Status = trade.OrderStatusCanceled }), trade.ReasonRequested)},
			"order 7 BUY 100 EUR/USD LIMIT 1.0875 DAY: CANCELED, REQUESTED",
		},
		{
			trade.CommandReplaceOrder,
			trade.Answer{Subject: trade.SubjectOrder, ID: 7},
			[]trade.Event{&trade.CancelRejected{Order: order, Reason: trade.ReasonOutsideBand}},
			"order 7 BUY 100 EUR/USD LIMIT 1.0875 DAY: stays as it is, OUTSIDE_BAND",
		},
		{
			trade.CommandCancelOrder,
			trade.Answer{Subject: trade.SubjectOrder, ID: 7, Reason: trade.ReasonTooLate},
			nil,
			"order 7, TOO_LATE",
		},
		{trade.CommandMassCancel, trade.Answer{Count: 1}, nil, "canceled 1 order"},
		{trade.CommandMassCancel, trade.Answer{Count: 12}, nil, "canceled 12 orders"},
		{
			trade.CommandBustTrade,
			trade.Answer{},
			[]trade.Event{report(order, 0), &trade.TradeChanged{Trade: trade.Trade{
				ID: 5, Symbol: "EUR/USD", Price: 108_750_000, Quantity: 100_000_000, Status: trade.TradeStatusBusted,
			}, Text: "a slip\nof the finger"}},
			"trade 5 1 EUR/USD at 1.0875: BUSTED, a slip of the finger",
		},
		{
			trade.CommandSetTradingStatus,
			trade.Answer{},
			[]trade.Event{&trade.InstrumentChanged{Instrument: trade.Instrument{
				Symbol: "ES.H26", Status: trade.TradingStatusHalted, TickSize: 25_000_000, LotSize: 100_000_000, StatusReason: "news",
			}}},
			"ES.H26 is HALTED, tick 0.25, lot 1, news",
		},
		{
			trade.CommandUpsertUser,
			trade.Answer{},
			[]trade.Event{&trade.UserChanged{User: trade.User{
				ID: "bob", Roles: trade.RoleTrader | trade.RoleRisk, Accounts: []trade.AccountID{"bob"}, Suspended: true,
			}}},
			"user bob: TRADER+RISK, 1 account, suspended",
		},
		{
			trade.CommandSetLimits,
			trade.Answer{},
			[]trade.Event{&trade.LimitsChanged{Account: "bob", Limits: trade.Limits{MaxOrderQuantity: 500_000_000, MaxOpenOrders: 9}}},
			"limits of bob: order quantity 5, notional unlimited, open orders 9, band unlimited, messages a second default",
		},
		{
			trade.CommandSetLimits,
			trade.Answer{},
			[]trade.Event{&trade.LimitsChanged{Account: "bob", Limits: trade.Limits{MaxMessagesPerSecond: trade.Unlimited}}},
			"limits of bob: order quantity unlimited, notional unlimited, open orders default, band unlimited, messages a second unlimited",
		},
		{trade.CommandAnnounce, trade.Answer{}, []trade.Event{&trade.Announced{Text: "lunch\tat noon"}}, "to all: lunch at noon"},
		{
			trade.CommandAnnounce,
			trade.Answer{},
			[]trade.Event{&trade.Announced{Text: "hello", To: []trade.UserID{"a", "b"}}},
			"to 2 users: hello",
		},
		{trade.CommandSetPresence, trade.Answer{}, []trade.Event{&trade.PresenceChanged{User: "bob", Online: true}}, "bob signed in"},
		{trade.CommandSetPresence, trade.Answer{}, []trade.Event{&trade.PresenceChanged{User: "bob"}}, "bob signed out"},
		{
			trade.CommandAdvanceClock,
			trade.Answer{},
			[]trade.Event{report(with(func(o *trade.Order) { o.Status = trade.OrderStatusExpired }), 0), &trade.DayEnded{}},
			"the trading day ended, 1 order expired",
		},
		{
			trade.CommandConfigureVenue,
			trade.Answer{},
			[]trade.Event{&trade.VenueChanged{Venue: trade.Venue{DayEnd: 79_200}}},
			"the trading day ends 22h0m0s after midnight UTC",
		},
		{trade.CommandUpsertInstrument, trade.Answer{}, nil, "changed nothing"},
	} {
		got := detail(&trade.Record{Command: trade.CommandInfo{Kind: c.kind, Answer: c.answer}, Events: c.events})
		if got != c.want {
			t.Errorf("%v: says\n%q, want\n%q", c.kind, got, c.want)
		}
	}
}

func TestEveryCommandLeavesOneLine(t *testing.T) {
	for kind := trade.CommandUnspecified; kind < trade.CommandKindCount; kind++ {
		line := detail(&trade.Record{Command: trade.CommandInfo{Kind: kind}})
		if line == "" || strings.ContainsAny(line, "\n\t") {
			t.Errorf("%v leaves %q", kind, line)
		}
	}
}
