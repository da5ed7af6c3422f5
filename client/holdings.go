package client

import (
	"strconv"

	"todoku/digest"
	todokuv1 "todoku/gen/todoku/v1"
)

// holdings is what the messages of a stream leave of the accounts that it carries,
// reduced to what a digest needs: a client that was told everything has the venue's
// sums. It is kept message by message and costs nothing else; the program's own view
// of the same messages is its own affair. The zero value is one that was told
// nothing.
type holdings struct {
	whole     bool // A snapshot was told to its end, and nothing was forgotten since.
	orders    map[uint64]heldOrder
	positions map[heldPosition]uint64 // The hash.
	sums      map[string]uint64       // By account.
	total     uint64                  // Of all accounts.
}

type heldOrder struct {
	account string
	hash    uint64
}

type heldPosition struct{ account, symbol string }

// take follows a message.
func (h *holdings) take(m *todokuv1.Message) {
	switch body := m.GetBody().(type) {
	case *todokuv1.Message_Reset_, *todokuv1.Message_SnapshotBegin:
		*h = holdings{
			orders: make(map[uint64]heldOrder), positions: make(map[heldPosition]uint64), sums: make(map[string]uint64),
		}
	case *todokuv1.Message_SnapshotEnd:
		h.whole = h.orders != nil
	case *todokuv1.Message_ExecutionReport:
		h.order(body.ExecutionReport.GetOrder())
	case *todokuv1.Message_Order:
		h.order(body.Order)
	case *todokuv1.Message_PositionUpdate:
		h.position(body.PositionUpdate)
	}
}

func (h *holdings) order(o *todokuv1.Order) {
	id, err := strconv.ParseUint(o.GetOrderId(), 10, 64)
	if h.orders == nil || err != nil { // An order that was refused may have no id.
		return
	}
	if old, ok := h.orders[id]; ok {
		h.add(old.account, -old.hash)
		delete(h.orders, id)
	}
	switch o.GetStatus() { //nolint:exhaustive // The others do not work.
	case todokuv1.OrderStatus_ORDER_STATUS_NEW, todokuv1.OrderStatus_ORDER_STATUS_PARTIALLY_FILLED:
		held := heldOrder{o.GetAccount(), digest.Order(id, o.GetSequence())}
		h.orders[id] = held
		h.add(held.account, held.hash)
	}
}

func (h *holdings) position(p *todokuv1.Position) {
	if h.positions == nil {
		return
	}
	name := heldPosition{p.GetAccount(), p.GetSymbol()}
	hash := digest.Position(name.account, name.symbol, p.GetSequence())
	h.add(name.account, hash-h.positions[name])
	h.positions[name] = hash
}

func (h *holdings) add(account string, change uint64) {
	h.sums[account] += change
	h.total += change
}

// diverged names the accounts whose digests are not the sums that are held; all
// accounts together are "". Nothing is known before a whole snapshot, nor from a
// heartbeat without digests.
func (h *holdings) diverged(digests []*todokuv1.AccountDigest) (accounts []string) {
	if !h.whole || len(digests) == 0 {
		return nil
	}
	listed := make(map[string]bool, len(digests))
	for _, d := range digests {
		listed[d.GetAccount()] = true
		sum := h.sums[d.GetAccount()]
		if d.GetAccount() == "" {
			sum = h.total
		}
		if sum != d.GetDigest() {
			accounts = append(accounts, d.GetAccount())
		}
	}
	if !listed[""] {
		h.keep(listed)
	}
	return accounts
}

// keep forgets the accounts that a stream does not carry any more.
func (h *holdings) keep(listed map[string]bool) {
	gone := false
	for account := range h.sums {
		gone = gone || !listed[account]
	}
	if !gone {
		return
	}
	for id, o := range h.orders {
		if !listed[o.account] {
			h.add(o.account, -o.hash)
			delete(h.orders, id)
		}
	}
	for name, hash := range h.positions {
		if !listed[name.account] {
			h.add(name.account, -hash)
			delete(h.positions, name)
		}
	}
	for account := range h.sums {
		if !listed[account] {
			delete(h.sums, account)
		}
	}
}
