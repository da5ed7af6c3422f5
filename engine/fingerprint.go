package engine

import (
	"encoding/binary"

	"todoku/trade"
)

// fingerprint hashes the content of a command without its sender, the sender's session and
// its request id.
// Two requests with the same id are the same request when their fingerprints are equal.
// Journals keep fingerprints, so a new field of a command must come last and must be
// hashed only where it is not zero.
func fingerprint(command trade.Command) uint64 {
	h := hasher{offset}
	h.number(int64(trade.KindOf(command)))
	switch c := command.(type) {
	case *trade.PlaceOrder:
		h.text(string(c.Symbol))
		h.number(int64(c.Side), int64(c.Type), int64(c.TimeInForce), bit(c.PostOnly), int64(c.SelfTrade),
			int64(c.Price), int64(c.Quantity), c.Expire)
		h.guard(c.Guard)
	case *trade.ReplaceOrder:
		h.ref(c.Target)
		h.number(int64(c.Price), int64(c.Quantity))
		h.guard(c.Guard)
	case *trade.CancelOrder:
		h.ref(c.Target)
	case *trade.MassCancel:
		h.text(string(c.Symbol))
		h.number(int64(c.Side), bit(c.DayOnly), int64(c.Reason))
		if c.Session != "" {
			h.text(c.Session)
		}
	case *trade.BustTrade:
		h.number(int64(c.Trade.ID))
		h.text(c.Text)
	case *trade.UpsertInstrument:
		h.instrument(&c.Instrument)
	case *trade.SetTradingStatus:
		h.text(string(c.Symbol), c.Text)
		h.number(int64(c.Status))
	case *trade.UpsertUser:
		u := &c.NewUser
		h.text(string(u.ID), u.DisplayName)
		h.number(bit(c.Create), int64(u.Roles), bit(u.Suspended), int64(len(u.Accounts)))
		for _, a := range u.Accounts {
			h.text(string(a))
		}
	case *trade.SetLimits:
		l := &c.Limits
		h.text(string(c.Target))
		h.number(int64(l.MaxOrderQuantity), l.MaxOrderNotional.Hi, int64(l.MaxOrderNotional.Lo),
			int64(l.MaxOpenOrders), int64(l.Band), int64(l.MaxMessagesPerSecond))
	case *trade.Announce:
		h.text(c.Text)
		for _, u := range c.To {
			h.text(string(u))
		}
	case *trade.SetPresence:
		h.text(string(c.Subject))
		h.number(bit(c.Online))
	case *trade.ConfigureVenue:
		h.number(int64(c.Venue.DayEnd))
	case *trade.AdvanceClock:
	}
	return h.state
}

// hasher is FNV-1a over words instead of bytes. A text is hashed as its length and its
// words, so that different fields never give the same sequence of words.
type hasher struct{ state uint64 }

const (
	offset = 14695981039346656037
	prime  = 1099511628211
)

func (h *hasher) word(w uint64) {
	h.state = (h.state ^ w) * prime
	// A product moves bits only up; this moves some down for the words that follow.
	h.state ^= h.state >> 32
}

func (h *hasher) number(numbers ...int64) {
	for _, n := range numbers {
		h.word(uint64(n))
	}
}

func (h *hasher) text(texts ...string) {
	for _, t := range texts {
		h.word(uint64(len(t)))
		for ; len(t) >= 8; t = t[8:] {
			h.word(binary.LittleEndian.Uint64([]byte(t[:8])))
		}
		var tail [8]byte
		copy(tail[:], t)
		h.word(binary.LittleEndian.Uint64(tail[:]))
	}
}

func (h *hasher) ref(r trade.OrderRef) {
	h.number(int64(r.ID))
	h.text(string(r.ClientOrderID))
}

func (h *hasher) guard(g trade.StaleGuard) {
	if g.Set {
		h.number(int64(g.SeenBookVersion), int64(g.MaxBookMoves))
	}
}

func (h *hasher) instrument(i *trade.Instrument) {
	h.text(string(i.Symbol), i.Name, i.Currency, i.StatusReason)
	h.number(int64(i.Class), int64(i.TickSize), int64(i.LotSize), int64(i.MinQuantity), int64(i.MaxQuantity),
		int64(i.LowLimitPrice), int64(i.HighLimitPrice), int64(i.Band), int64(i.ReferencePrice),
		bit(i.Disclose), int64(i.Status))
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
