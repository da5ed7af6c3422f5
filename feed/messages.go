package feed

import (
	"encoding/binary"
	"slices"

	"todoku/push"
	"todoku/trade"
)

// From records to messages: a pure function of the record, so that a replay gives the
// same bytes as the live stream did. Best prices are not made here: they are state,
// need the book, and are never replayed.

// addressed is a message and where it goes.
type addressed struct {
	// Message has no Body where no stream wants it, and for the level of a book.
	Message

	audience []*subject
	kind     string
	// level is set for the level of a book, which is state.
	level *trade.LevelChanged
}

// composer turns records into messages. It reuses its buffers, so it belongs to one
// goroutine, and what it returns is valid until the next call.
type composer struct {
	names    *names
	wanted   func(*subject) bool // Whether a stream takes events of a topic.
	messages []addressed
}

// newComposer returns a composer of all messages.
func newComposer() *composer {
	return &composer{names: newNames(), wanted: func(*subject) bool { return true }}
}

// compose returns the messages of a record in the order of its events, indexed from
// 0: events and the levels of books. A message that no stream wants has an index and an
// audience but no body.
func (c *composer) compose(r *trade.Record) []addressed {
	n := c.names
	clear(c.messages)
	c.messages = c.messages[:0]
	for i, event := range r.Events {
		switch e := event.(type) {
		case *trade.ExecutionReport:
			if m := c.add(r, "execution_report", n.account(e.Order.Account)); m != nil {
				m.Body = Execution{&trade.Execution{ExecutionReport: e, Sequence: r.Sequence, Event: i}}
			}
		case *trade.CancelRejected:
			if m := c.add(r, "cancel_reject", n.account(e.Order.Account)); m != nil {
				m.Body = CancelRejected{e}
			}
		case *trade.TradeChanged:
			c.addTrade(r, e)
		case *trade.LevelChanged:
			c.messages = append(c.messages, addressed{
				Message:  Message{Sequence: r.Sequence, Index: uint32(len(c.messages)), Time: r.Time},
				audience: n.market(e.Symbol), kind: "book_update", level: e,
			})
		case *trade.PositionChanged:
			if m := c.add(r, "position_update", n.account(e.Position.Account)); m != nil {
				m.Body = Position{&e.Position}
			}
		case *trade.InstrumentChanged:
			if m := c.add(r, "instrument_update", n.venue); m != nil {
				m.Body = Instrument{&e.Instrument}
			}
		case *trade.UserChanged:
			if m := c.add(r, "user_update", n.self(e.User.ID)); m != nil {
				m.Body = User{&e.User}
			}
		case *trade.PresenceChanged:
			if m := c.add(r, "user_presence", n.presence); m != nil {
				m.Body = &Presence{e.DisplayName, e.Online}
			}
		case *trade.LimitsChanged:
			if m := c.add(r, "limit_update", n.account(e.Account)); m != nil {
				m.Body = (*AccountLimits)(e)
			}
		case *trade.Announced:
			if m := c.add(r, "announcement", n.announcement(e)); m != nil {
				m.Body = &Announcement{e.From, e.Text}
			}
		case *trade.VenueChanged, *trade.DayEnded:
			// Not sent: other events of the record have the effects.
		}
	}
	return c.messages
}

// add appends a message and returns it for its body to be set, or nil when no stream
// wants it.
func (c *composer) add(r *trade.Record, kind string, audience []*subject) *addressed {
	at := len(c.messages)
	c.messages = append(c.messages, addressed{
		Message:  Message{Sequence: r.Sequence, Index: uint32(at), Time: r.Time},
		audience: audience, kind: kind,
	})
	if slices.ContainsFunc(audience, c.wanted) {
		return &c.messages[at]
	}
	return nil
}

func (c *composer) addTrade(r *trade.Record, e *trade.TradeChanged) {
	for _, side := range [...]trade.Side{trade.SideBuy, trade.SideSell} {
		if m := c.add(r, "trade", c.names.account(e.Trade.Party(side).Account)); m != nil {
			m.Body = partyTrade(r, e, side)
		}
	}
	if m := c.add(r, "trade_print", c.names.market(e.Trade.Symbol)); m != nil {
		m.Body = Print{&trade.Print{
			ID: e.Trade.ID, Symbol: e.Trade.Symbol, Price: e.Trade.Price, Quantity: e.Trade.Quantity,
			Aggressor: e.Trade.Aggressor, Status: e.Trade.Status, Time: e.Trade.Time,
		}}
	}
}

// partyTrade is a trade as the party on one side sees it. The counterparty is shown
// if the party's own report in the same record shows it, where the engine applied the
// instrument's rule at that time.
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

// appendEvents encodes each event among messages once for all its receivers and
// appends a message per wanted topic. Each message is allocated separately: one array
// for all would stay in memory, with all data, as long as a slow client's queue refers
// to one of them.
func (c *composer) appendEvents(to []*push.Message, messages []addressed, encoder Encoder) []*push.Message {
	for i := range messages {
		m := &messages[i]
		if m.Body == nil {
			continue
		}
		data := encoder.Encode(m.Message)
		for _, s := range m.audience {
			if !c.wanted(s) {
				continue
			}
			to = append(to, &push.Message{
				Sequence: m.Sequence, Index: m.Index, Topic: s.topic, Kind: m.kind, Data: data,
			})
		}
	}
	return to
}

// state is a message of state and its content, in one allocation. It is encoded when a
// stream first sends it, because most are replaced before. It refers to nothing of its
// record, because it may stay in the hub for days.
type state[B any, P pointer[B]] struct {
	message  push.Message
	deferred push.Deferred
	encoder  Encoder
	time     int64
	body     B
}

// pointer is a body that is a pointer to B.
type pointer[B any] interface {
	*B
	Body
}

// Encode implements push.Content.
func (s *state[B, P]) Encode() []byte {
	return s.encoder.Encode(Message{Sequence: s.message.Sequence, Index: s.message.Index, Time: s.time, Body: P(&s.body)})
}

// newState returns the message of a value that a topic has since a record. The caller
// sets Key and Gone.
func newState[B any, P pointer[B]](encoder Encoder, from Message, topic push.Topic, kind string, body B) *push.Message {
	s := &state[B, P]{encoder: encoder, time: from.Time, body: body}
	s.message = push.Message{
		Sequence: from.Sequence, Index: from.Index, Topic: topic, Kind: kind, Deferred: &s.deferred,
	}
	s.deferred.Set(s)
	return &s.message
}

// levelState is a level of a book as state.
func levelState(encoder Encoder, from Message, topic push.Topic, update LevelUpdate) *push.Message {
	m := newState(encoder, from, topic, "book_update", update)
	m.Key, m.Gone = levelKey(update.Side, update.Price), update.Quantity == 0
	return m
}

// bestState is a book's best prices as state.
func bestState(encoder Encoder, from Message, topic push.Topic, best Best) *push.Message {
	m := newState(encoder, from, topic, "best_bid_offer", best)
	m.Key = bestKey
	return m
}

// levelKey returns the key of a level of a book.
func levelKey(side trade.Side, price trade.Price) string {
	var key [9]byte
	key[0] = byte(side)
	binary.BigEndian.PutUint64(key[1:], uint64(price))
	return string(key[:])
}

// bestKey is the key of a market's best prices.
const bestKey = "best"
