package chaos

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push/pushtest"
)

// The kinds of messages that the judge distinguishes: event, part of a snapshot, state.

type role int

const (
	noEvent role = iota
	event
	// eventOrInitial: part of the state at the sequence where a subscription grew, or an
	// event of that sequence; the judge distinguishes them.
	eventOrInitial
)

// isEvent reports whether a message outside a snapshot is an event.
func isEvent(m *todokuv1.Message) bool {
	switch m.GetBody().(type) {
	case *todokuv1.Message_ExecutionReport, *todokuv1.Message_CancelReject, *todokuv1.Message_Trade, *todokuv1.Message_TradePrint,
		*todokuv1.Message_PositionUpdate, *todokuv1.Message_LimitUpdate, *todokuv1.Message_UserPresence,
		*todokuv1.Message_Announcement, *todokuv1.Message_InstrumentUpdate, *todokuv1.Message_UserUpdate:
		return true
	}
	return false
}

// message files a message. The caller holds mu.
func (r *recorder) message(s *stream, m *todokuv1.Message, cursor uint64, begun map[*mirror]bool) role {
	switch body := m.GetBody().(type) {
	case *todokuv1.Message_Hello, *todokuv1.Message_Reset_, *todokuv1.Message_Reconnect, *todokuv1.Message_SessionUpdate:
		return noEvent
	case *todokuv1.Message_Heartbeat:
		s.beats, s.conflated = append(s.beats, cursor), body.Heartbeat.GetConflated()
		// Through the Go client a heartbeat may come with a cursor that another stream
		// has reached meanwhile.
		if head := body.Heartbeat.GetHeadSequence(); head < cursor && !r.handed {
			r.fault("a heartbeat says that the head is %d at cursor %d", head, cursor)
		}
		return noEvent
	case *todokuv1.Message_SnapshotBegin:
		s.opening = true
		return noEvent
	case *todokuv1.Message_SnapshotEnd:
		s.opening, s.whole, s.Resume = false, true, m.GetSequence()
		return noEvent
	case *todokuv1.Message_BookBegin:
		book := s.books[body.BookBegin.GetSymbol()]
		if book == nil {
			book = &mirror{}
			s.books[body.BookBegin.GetSymbol()] = book
		}
		*book = mirror{values: map[string]string{}, sequences: map[string]uint64{}, begins: book.begins + 1, begun: cursor}
		begun[book] = true
		return noEvent
	case *todokuv1.Message_BookUpdate:
		u := body.BookUpdate
		key, value := levelKey(u.GetSide(), u.GetLevel().GetPrice()), levelValue(u.GetLevel())
		r.state(s, m, u.GetSymbol(), key, value, begun)
		return noEvent
	case *todokuv1.Message_BestBidOffer:
		b := body.BestBidOffer
		r.state(s, m, b.GetSymbol(), bestKey, bestValue(levelText(b.GetBid()), levelText(b.GetOffer()), b.GetLastPrice(), b.GetBookVersion()), begun)
		return noEvent
	case *todokuv1.Message_Order:
		if s.opening {
			s.note(orderOf(body.Order))
		} else if !s.grownAt(m.GetSequence()) {
			r.fault("an order as it stands outside a snapshot: %v", m)
		}
		return noEvent
	}
	if !isEvent(m) {
		r.fault("a message that the judge does not know: %v", m)
		return noEvent
	}
	if s.opening {
		s.note(standingOf(m))
		return noEvent
	}
	at := pushtest.Event{Sequence: m.GetSequence(), Index: m.GetIndex()}
	if s.grownAt(m.GetSequence()) {
		return eventOrInitial
	}
	if had := r.claims.event(at, m); had != "" {
		r.fault("event %v is told as %v, and was told as %s", at, m, had)
	}
	return event
}

func (s *stream) grownAt(sequence uint64) bool {
	for _, g := range s.segments {
		if g.grew && g.after == sequence {
			return true
		}
	}
	return false
}

func (s *stream) note(key, value string) { s.snapshot[key] = value }

// state takes a value of a book. The caller holds mu.
func (r *recorder) state(s *stream, m *todokuv1.Message, symbol, key, value string, begun map[*mirror]bool) {
	book := s.books[symbol]
	if book == nil {
		r.fault("%s %s without a book", symbol, key)
		return
	}
	if m.GetSequence() < book.sequences[key] {
		r.fault("%s %s falls from %d to %d", symbol, key, book.sequences[key], m.GetSequence())
	}
	if !begun[book] {
		book.updates++
	}
	book.sequences[key] = m.GetSequence()
	if value == "" {
		delete(book.values, key)
	} else {
		book.values[key] = value
	}
	r.claims.level(claim{symbol, key, m.GetSequence(), value})
}

// claims are the values that clients received, each stored once: two clients must receive
// the same value for the same event or level.
type claims struct {
	mu     sync.Mutex // protects the fields below
	events map[pushtest.Event]told
	levels map[claim]bool
}

type told struct {
	sum  [16]byte
	kind string
}

// claim is a value of a book that a client received.
type claim struct {
	symbol, key string
	sequence    uint64
	value       string
}

func newClaims() *claims {
	return &claims{events: map[pushtest.Event]told{}, levels: map[claim]bool{}}
}

// event returns the kind of an earlier, different message for the same event, or "".
func (c *claims) event(at pushtest.Event, m *todokuv1.Message) string {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return err.Error()
	}
	sum := sha256.Sum256(data)
	now := told{sum: [16]byte(sum[:16]), kind: fmt.Sprintf("%T", m.GetBody())}
	c.mu.Lock()
	defer c.mu.Unlock()
	had, known := c.events[at]
	if !known {
		c.events[at] = now
		return ""
	}
	if had != now {
		return had.kind
	}
	return ""
}

func (c *claims) level(of claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.levels[of] = true
}
