package feed

import (
	"time"

	"todoku/push"
	"todoku/trade"
)

// From records to messages. All of it is a pure function of the record, so that
// a replay tomorrow gives the bytes of today's live stream. Best prices are not
// made here: they are state, need the book, and are never replayed.

// addressed is a message and where it goes.
type addressed struct {
	Message

	topics []push.Topic
	kind   string
	// key makes it state; see push.Message.
	key  string
	gone bool
}

// composer turns records into messages. It keeps its buffers from record to
// record, so it belongs to one goroutine, and what it returns holds until the
// next call.
type composer struct {
	names    *names
	messages []addressed
	topics   []push.Topic
}

func newComposer() *composer { return &composer{names: newNames()} }

// compose returns the messages of a record, indexed from 0: events and the
// levels of books. Order follows that of the record's events.
func (c *composer) compose(r *trade.Record) []addressed {
	clear(c.messages)
	c.messages = c.messages[:0]
	c.topics = c.topics[:0]
	for i, event := range r.Events {
		switch e := event.(type) {
		case *trade.ExecutionReport:
			c.add(r, "execution_report", &Report{e, r.Sequence, i})
		case *trade.CancelRejected:
			c.add(r, "cancel_reject", e)
		case *trade.TradeChanged:
			c.add(r, "trade", partyTrade(r, e, trade.SideBuy))
			c.add(r, "trade", partyTrade(r, e, trade.SideSell))
			c.add(r, "trade_print", &Print{
				ID: e.Trade.ID, Symbol: e.Trade.Symbol, Price: e.Trade.Price, Quantity: e.Trade.Quantity,
				Aggressor: e.Trade.Aggressor, Status: e.Trade.Status, Time: e.Trade.Time,
			})
		case *trade.LevelChanged:
			c.addLevel(r, e)
		case *trade.PositionChanged:
			c.add(r, "position_update", &e.Position)
		case *trade.InstrumentChanged:
			c.add(r, "instrument_update", &e.Instrument)
		case *trade.UserChanged:
			c.add(r, "user_update", &e.User)
		case *trade.PresenceChanged:
			c.add(r, "user_presence", &Presence{e.DisplayName, e.Online})
		case *trade.LimitsChanged:
			c.add(r, "limit_update", &AccountLimits{e.Account, e.Limits})
		case *trade.Announced:
			c.add(r, "announcement", &Announcement{e.From, e.Text, e.To})
		case *trade.VenueChanged, *trade.DayEnded:
			// Nobody is told: what they lead to has events of its own.
		}
	}
	return c.messages
}

func (c *composer) add(r *trade.Record, kind string, body any) {
	from := len(c.topics)
	c.topics = c.names.audience(c.topics, body)
	c.messages = append(c.messages, addressed{
		Message: Message{r.Sequence, uint32(len(c.messages)), r.Time, body},
		topics:  c.topics[from:len(c.topics):len(c.topics)],
		kind:    kind,
	})
}

func (c *composer) addLevel(r *trade.Record, e *trade.LevelChanged) {
	c.add(r, "book_update", &LevelUpdate{Level{e.Price, e.Quantity, e.Orders}, e.Symbol, e.Side, e.BookVersion})
	level := &c.messages[len(c.messages)-1]
	level.key = levelKey(e.Side, e.Price)
	level.gone = e.Quantity == 0
}

func levelKey(side trade.Side, price trade.Price) string {
	return "level:" + side.String() + ":" + price.String()
}

// bestKey is the key of a market's best prices.
const bestKey = "best"

// partyTrade is a trade as the party on one side sees it. The counterparty is
// shown where the party's own report of the same record shows it: the engine
// decided there, by the instrument's rule at that time.
func partyTrade(r *trade.Record, e *trade.TradeChanged, side trade.Side) *PartyTrade {
	t, party := &e.Trade, e.Trade.Party(side)
	return &PartyTrade{
		ID: t.ID, Symbol: t.Symbol, Account: party.Account, Side: side, Price: t.Price, Quantity: t.Quantity,
		Order: party.Order, ClientOrderID: party.ClientOrderID, Maker: side != t.Aggressor,
		Counterparty: disclosed(r, t.ID, party.Order), Status: t.Status, Time: t.Time, Text: e.Text,
	}
}

func disclosed(r *trade.Record, id trade.TradeID, order trade.OrderID) trade.AccountID {
	for _, event := range r.Events {
		if report, ok := event.(*trade.ExecutionReport); ok && report.Trade == id && report.Order.ID == order {
			return report.Counterparty
		}
	}
	return ""
}

// publication encodes messages once for all their receivers. Events share one
// array; a level has its own, because it may stay in the hub for days and would
// keep its record's events alive.
func publication(r *trade.Record, messages []addressed, encoder Encoder) push.Publication {
	events, total := 0, 0
	for i := range messages {
		total += len(messages[i].topics)
		if messages[i].key == "" {
			events += len(messages[i].topics)
		}
	}
	shared := make([]push.Message, 0, events)
	p := push.Publication{Sequence: r.Sequence, Time: time.Unix(0, r.Time), Messages: make([]*push.Message, 0, total+1)}
	for i := range messages {
		m := &messages[i]
		if len(m.topics) == 0 {
			continue
		}
		data := encoder.Encode(m.Message)
		for _, topic := range m.topics {
			one := push.Message{
				Sequence: m.Sequence, Index: m.Index, Topic: topic, Key: m.key, Gone: m.gone, Kind: m.kind, Data: data,
			}
			if m.key != "" {
				p.Messages = append(p.Messages, &one)
				continue
			}
			shared = append(shared, one)
			p.Messages = append(p.Messages, &shared[len(shared)-1])
		}
	}
	return p
}
