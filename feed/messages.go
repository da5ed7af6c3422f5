package feed

import (
	"encoding/binary"
	"slices"

	"todoku/push"
	"todoku/trade"
)

// From records to messages. All of it is a pure function of the record, so that
// a replay tomorrow gives the bytes of today's live stream. Best prices are not
// made here: they are state, need the book, and are never replayed.

// addressed is a message and where it goes.
type addressed struct {
	// Message has no Body where no stream wants it, and for the level of a book.
	Message

	audience []*subject
	kind     string
	// level is set for the level of a book, which is state.
	level *trade.LevelChanged
}

// composer turns records into messages. It keeps its buffers from record to
// record, so it belongs to one goroutine, and what it returns holds until the
// next call.
type composer struct {
	names    *names
	wanted   func(*subject) bool // Whether a stream takes events of a topic.
	messages []addressed
}

// newComposer returns a composer of all messages.
func newComposer() *composer {
	return &composer{names: newNames(), wanted: func(*subject) bool { return true }}
}

// compose returns the messages of a record, indexed from 0: events and the
// levels of books. Order follows that of the record's events. What no stream wants
// has its place and its audience, but no body.
func (c *composer) compose(r *trade.Record) []addressed {
	n := c.names
	clear(c.messages)
	c.messages = c.messages[:0]
	for i, event := range r.Events {
		switch e := event.(type) {
		case *trade.ExecutionReport:
			if m := c.add(r, "execution_report", n.ofReport(e)); m != nil {
				m.Body = Execution{&trade.Execution{ExecutionReport: e, Sequence: r.Sequence, Event: i}}
			}
		case *trade.CancelRejected:
			if m := c.add(r, "cancel_reject", n.ofCancelRejected(e)); m != nil {
				m.Body = CancelRejected{e}
			}
		case *trade.TradeChanged:
			c.addTrade(r, e)
		case *trade.LevelChanged:
			c.addLevel(r, e)
		case *trade.PositionChanged:
			if m := c.add(r, "position_update", n.ofPosition(&e.Position)); m != nil {
				m.Body = Position{&e.Position}
			}
		case *trade.InstrumentChanged:
			if m := c.add(r, "instrument_update", n.ofInstrument()); m != nil {
				m.Body = Instrument{&e.Instrument}
			}
		case *trade.UserChanged:
			if m := c.add(r, "user_update", n.ofUser(&e.User)); m != nil {
				m.Body = User{&e.User}
			}
		case *trade.PresenceChanged:
			if m := c.add(r, "user_presence", n.ofPresence()); m != nil {
				m.Body = &Presence{e.DisplayName, e.Online}
			}
		case *trade.LimitsChanged:
			if m := c.add(r, "limit_update", n.ofLimits(e)); m != nil {
				m.Body = &AccountLimits{e.Account, e.Limits}
			}
		case *trade.Announced:
			if m := c.add(r, "announcement", n.ofAnnouncement(e)); m != nil {
				m.Body = &Announcement{e.From, e.Text}
			}
		case *trade.VenueChanged, *trade.DayEnded:
			// Not sent: what follows from them has events of its own.
		}
	}
	return c.messages
}

// add appends a message and returns it, to be given its body, or nil when nobody
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
		if m := c.add(r, "trade", c.names.ofPartyTrade(e.Trade.Party(side))); m != nil {
			m.Body = partyTrade(r, e, side)
		}
	}
	if m := c.add(r, "trade_print", c.names.ofPrint(&e.Trade)); m != nil {
		m.Body = Print{&trade.Print{
			ID: e.Trade.ID, Symbol: e.Trade.Symbol, Price: e.Trade.Price, Quantity: e.Trade.Quantity,
			Aggressor: e.Trade.Aggressor, Status: e.Trade.Status, Time: e.Trade.Time,
		}}
	}
}

func (c *composer) addLevel(r *trade.Record, e *trade.LevelChanged) {
	c.messages = append(c.messages, addressed{
		Message:  Message{Sequence: r.Sequence, Index: uint32(len(c.messages)), Time: r.Time},
		audience: c.names.ofLevel(e), kind: "book_update", level: e,
	})
}

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

// appendEvents encodes the events among messages once for all their receivers and
// appends a message per topic that is wanted. Each is memory of its own: one array
// for all would live, with the data of every message in it, for as long as a slow
// client's queue refers to a single one.
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

// state is a message of state with what its bytes are made of, in one piece of
// memory: most are replaced by the next before a stream takes them, so they are
// encoded when one does. They hold nothing of their record, because they may stay
// in the hub for days.
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

// newState returns the message of a value that a topic has since a record. Key and
// Gone are the caller's to set.
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

// levelKey identifies a level of a book; it is opaque.
func levelKey(side trade.Side, price trade.Price) string {
	var key [9]byte
	key[0] = byte(side)
	binary.BigEndian.PutUint64(key[1:], uint64(price))
	return string(key[:])
}

// bestKey is the key of a market's best prices.
const bestKey = "best"
