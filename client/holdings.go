package client

import (
	"maps"
	"strconv"

	"todoku/digest"
	todokuv1 "todoku/gen/todoku/v1"
)

// holdings is the digest of what a stream's messages say of each account. A client that
// received everything has the venue's sums. It is updated with each message and does not
// depend on the program's own view. The zero value has received nothing.
type holdings struct {
	whole     bool // A complete snapshot has arrived.
	orders    map[uint64]heldOrder
	positions map[heldPosition]uint64 // The hash.
	sums      map[string]uint64       // By account; "" is all accounts.
}

type heldOrder struct {
	account string
	hash    uint64
}

type heldPosition struct{ account, symbol string }

// take applies a message.
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
	if h.orders == nil || err != nil { // A refused order may have no id.
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
	h.sums[""] += change
}

// diverged returns the accounts whose digests differ; "" is all accounts together.
func (h *holdings) diverged(digests []*todokuv1.AccountDigest) (accounts []string) {
	listed := make(map[string]bool, len(digests))
	for _, d := range digests {
		listed[d.GetAccount()] = true
		if h.sums[d.GetAccount()] != d.GetDigest() {
			accounts = append(accounts, d.GetAccount())
		}
	}
	if !listed[""] {
		h.keep(listed)
	}
	return accounts
}

// keep removes the accounts that a stream no longer carries.
func (h *holdings) keep(listed map[string]bool) {
	gone := false
	for account, sum := range h.sums {
		if account != "" && !listed[account] {
			gone = true
			h.sums[""] -= sum
			delete(h.sums, account)
		}
	}
	if gone {
		maps.DeleteFunc(h.orders, func(_ uint64, o heldOrder) bool { return !listed[o.account] })
		maps.DeleteFunc(h.positions, func(p heldPosition, _ uint64) bool { return !listed[p.account] })
	}
}
