package feed

import (
	"github.com/tidwall/btree"

	"todoku/trade"
)

// What accounts hold, in sorted trees whose copy costs the same for any size: a copy
// shares its nodes with the tree until one of them changes. So an attach or a list takes
// what a user has in constant time under Feed.mu and walks over it without the lock. An
// account may have hundreds of thousands of orders; walking, sorting or copying them
// under the lock would stop everybody.
//
// Reading a copy is safe while the tree that it was copied from changes. Values are never
// changed in place.

// ordersTree has orders by id, positionsTree positions by symbol.
type (
	ordersTree    = btree.Map[trade.OrderID, *trade.Order]
	positionsTree = btree.Map[trade.Symbol, *trade.Position]
	accountsTree  = btree.Map[trade.AccountID, *accountView]
	usersTree     = btree.Map[trade.UserID, *trade.User]
	// onlineTree has display names by [onlineKey].
	onlineTree = btree.Map[string, string]
)

// accountView is what an account has. It is changed only while it is of the views'
// present generation.
type accountView struct {
	generation uint64
	orders     ordersTree
	positions  positionsTree
	limits     *AccountLimits

	// requests has the working orders by client order id. Copies share it: it is used
	// under Feed.mu only.
	requests map[trade.RequestID]trade.OrderID
}

// copy returns a view of its own. The caller holds Feed.mu.
func (a *accountView) copy(generation uint64) *accountView {
	return &accountView{
		generation: generation, orders: *a.orders.IsoCopy(), positions: *a.positions.IsoCopy(),
		limits: a.limits, requests: a.requests,
	}
}

// size is how many messages the account makes.
func (a *accountView) size() int {
	size := a.orders.Len() + a.positions.Len()
	if a.limits != nil {
		size++
	}
	return size
}

// changeable returns an account's view, made or copied as needed so that it may be
// changed.
func (v *views) changeable(id trade.AccountID) *accountView {
	a := v.accounts[id]
	switch {
	case a == nil:
		a = &accountView{generation: v.generation, requests: make(map[trade.RequestID]trade.OrderID)}
	case a.generation == v.generation:
		return a
	default: // It belongs to a copy of all accounts.
		a = a.copy(v.generation)
	}
	v.accounts[id] = a
	v.everyAccount.Set(id, a)
	return a
}

// captureAccount returns what an account has now; nil for one that has nothing.
func (v *views) captureAccount(id trade.AccountID) *accountView {
	a := v.accounts[id]
	if a == nil {
		return nil
	}
	return a.copy(v.generation)
}

// holdings are what a snapshot says of accounts and presence.
type holdings struct {
	accounts *accountsTree
	online   *onlineTree
}

// capture returns what a visibility sees now. It costs the same for any number of orders,
// positions, users who are online and, where all accounts are seen, accounts.
func (v *views) capture(seen visibility) holdings {
	h := holdings{accounts: &accountsTree{}, online: &onlineTree{}}
	if seen.presence {
		h.online = v.online.IsoCopy()
	}
	if seen.all {
		// From here on every account is copied before its next change.
		v.generation++
		h.accounts = v.everyAccount.IsoCopy()
		return h
	}
	for _, id := range seen.accounts {
		if a := v.captureAccount(id); a != nil {
			h.accounts.Set(id, a)
		}
	}
	return h
}

// beyond returns what one visibility sees beyond another, or false when it makes more
// than most messages. It stops counting there.
func (v *views) beyond(seen, before visibility, most int) (holdings, bool) {
	h := holdings{accounts: &accountsTree{}, online: &onlineTree{}}
	size := 0
	if seen.presence && !before.presence {
		h.online = v.online.IsoCopy()
		size = h.online.Len()
	}
	add := func(id trade.AccountID, a *accountView) bool {
		if a != nil && !before.sees(id) {
			if size += a.size(); size <= most {
				h.accounts.Set(id, a.copy(v.generation))
			}
		}
		return size <= most
	}
	if seen.all {
		if !before.all {
			v.everyAccount.Scan(add)
		}
		return h, size <= most
	}
	for _, id := range seen.accounts {
		if !add(id, v.accounts[id]) {
			break
		}
	}
	return h, size <= most
}

// pull returns the next item of a list, or false at its end.
type pull func() (item, bool)

// pullEach lists the values of a tree that is not changed meanwhile.
func pullEach[K ~uint64 | ~string, V any](tree *btree.Map[K, V], kind string, body func(V) Body) pull {
	values := tree.Iter()
	return func() (item, bool) {
		if !values.Next() {
			return item{}, false
		}
		return item{kind, body(values.Value())}, true
	}
}

// pullAll lists one list after the other. next returns false after the last list.
func pullAll(next func() (pull, bool)) pull {
	list := func() (item, bool) { return item{}, false }
	return func() (item, bool) {
		for {
			if it, ok := list(); ok {
				return it, true
			}
			following, ok := next()
			if !ok {
				return item{}, false
			}
			list = following
		}
	}
}

// lists joins lists.
func lists(all ...pull) pull {
	return pullAll(func() (pull, bool) {
		if len(all) == 0 {
			return nil, false
		}
		first := all[0]
		all = all[1:]
		return first, true
	})
}

// pullItems lists items.
func pullItems(items ...item) pull {
	return func() (item, bool) {
		if len(items) == 0 {
			return item{}, false
		}
		first := items[0]
		items = items[1:]
		return first, true
	}
}

// pull lists the messages of the holdings: limits, positions and orders by account, and
// who is online by name.
func (h holdings) pull() pull {
	return lists(
		h.pullAccounts(func(a *accountView) pull {
			if a.limits == nil {
				return pullItems()
			}
			return pullItems(item{"limit_update", a.limits})
		}),
		h.pullAccounts(func(a *accountView) pull {
			return pullEach(&a.positions, "position_update", func(p *trade.Position) Body { return Position{p} })
		}),
		h.pullAccounts(func(a *accountView) pull {
			return pullEach(&a.orders, "order", func(o *trade.Order) Body { return OrderState{o} })
		}),
		pullEach(h.online, "user_presence", func(name string) Body { return &Presence{name, true} }),
	)
}

// pullAccounts lists something of each account.
func (h holdings) pullAccounts(of func(*accountView) pull) pull {
	accounts := h.accounts.Iter()
	return pullAll(func() (pull, bool) {
		if !accounts.Next() {
			return nil, false
		}
		return of(accounts.Value()), true
	})
}
