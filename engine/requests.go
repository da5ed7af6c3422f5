package engine

import (
	"encoding/binary"
	"hash/fnv"

	"todoku/trade"
)

// requests remembers what was answered, so that the same request again gets the
// same answer: for the trading day in which it came and the next one, so that a
// retry over midnight finds it.
type requests struct {
	byKey map[requestKey]*trade.RequestState
	// queue holds them in the order of their sequences.
	queue []*trade.RequestState
}

// requestKey is where a request id is unique: in the account or, for
// administration, with the user.
type requestKey struct {
	account trade.AccountID
	user    trade.UserID
	request trade.RequestID
}

func newRequests() requests {
	return requests{byKey: map[requestKey]*trade.RequestState{}}
}

func keyOf(a *trade.Actor) requestKey {
	if a.Account != "" {
		return requestKey{account: a.Account, request: a.Request}
	}
	return requestKey{user: a.User, request: a.Request}
}

func (r *requests) find(a *trade.Actor) *trade.RequestState { return r.byKey[keyOf(a)] }

func (r *requests) add(state *trade.RequestState) {
	r.byKey[keyOf(&state.Actor)] = state
	r.queue = append(r.queue, state)
}

// forget drops what was answered before a time.
func (r *requests) forget(before int64) {
	n := 0
	for n < len(r.queue) && r.queue[n].Time < before {
		delete(r.byKey, keyOf(&r.queue[n].Actor))
		n++
	}
	if n > 0 {
		r.queue = append([]*trade.RequestState(nil), r.queue[n:]...)
	}
}

// fingerprint hashes the content of a command, all but who sends it under which
// name: two requests with one id are the same request when they agree in it. It
// is kept in journals, so that the fields of a command are only ever added at the
// end, and only where they are not zero.
func fingerprint(command trade.Command) uint64 {
	h := hasher{buffer: make([]byte, 0, 128)}
	h.number(int64(command.Kind()))
	switch c := command.(type) {
	case *trade.PlaceOrder:
		h.text(string(c.Symbol))
		h.number(int64(c.Side), int64(c.Type), int64(c.TimeInForce), flag(c.PostOnly), int64(c.SelfTrade),
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
		h.number(int64(c.Side), flag(c.DayOnly), int64(c.Reason))
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
		h.number(flag(c.Create), int64(u.Roles), flag(u.Suspended), int64(len(u.Accounts)))
		for _, a := range u.Accounts {
			h.text(string(a))
		}
	case *trade.SetLimits:
		l := &c.Limits
		h.text(string(c.Target))
		h.number(int64(l.MaxOrderQuantity), l.MaxOrderNotional.Hi, int64(l.MaxOrderNotional.Lo), //nolint:gosec // Bits to hash, not a number.
			int64(l.MaxOpenOrders), int64(l.Band), int64(l.MaxMessagesPerSecond))
	case *trade.Announce:
		h.text(c.Text)
		for _, u := range c.To {
			h.text(string(u))
		}
	case *trade.SetPresence:
		h.text(string(c.Subject))
		h.number(flag(c.Online))
	case *trade.ConfigureVenue:
		h.number(int64(c.Venue.DayEnd))
	}
	return h.sum()
}

// hasher collects fields, each with its length or at a fixed one, so that no two
// commands run into each other.
type hasher struct{ buffer []byte }

func (h *hasher) number(numbers ...int64) {
	for _, n := range numbers {
		h.buffer = binary.LittleEndian.AppendUint64(h.buffer, uint64(n)) //nolint:gosec // Bits to hash, not a number.
	}
}

func (h *hasher) text(texts ...string) {
	for _, t := range texts {
		h.number(int64(len(t)))
		h.buffer = append(h.buffer, t...)
	}
}

func (h *hasher) ref(r trade.OrderRef) {
	h.number(int64(r.ID)) //nolint:gosec // Bits to hash, not a number.
	h.text(string(r.ClientOrderID))
}

func (h *hasher) guard(g trade.StaleGuard) {
	if g.Set {
		h.number(int64(g.SeenBookVersion), int64(g.MaxBookMoves)) //nolint:gosec // Bits to hash, not a number.
	}
}

func (h *hasher) instrument(i *trade.Instrument) {
	h.text(string(i.Symbol), i.Name, i.Currency, i.StatusReason)
	h.number(int64(i.Class), int64(i.TickSize), int64(i.LotSize), int64(i.MinQuantity), int64(i.MaxQuantity),
		int64(i.LowLimitPrice), int64(i.HighLimitPrice), int64(i.Band), int64(i.ReferencePrice),
		flag(i.Disclose), int64(i.Status))
}

func (h *hasher) sum() uint64 {
	f := fnv.New64a()
	_, _ = f.Write(h.buffer) // A hash never fails to write.
	return f.Sum64()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
