// Package feedtest judges who is sent what, and holds what a [feed.IndexStore] must
// do as a test that every implementation runs.
package feedtest

import (
	"slices"

	"todoku/push/pushtest"
	"todoku/trade"
)

// The judge of who is sent what, for tests at any level. It shares nothing with
// package feed but the design, so that a mistake in one is not one in both.

// Observer is a user with a subscription, as the documents describe it.
type Observer struct {
	User     trade.User
	All      bool // All accounts.
	Presence bool
	Symbols  []trade.Symbol
}

// Concerns lists the events of a record that the observer must be sent: the table
// "Who receives what" once more, independently of the package's.
func (o Observer) Concerns(r *trade.Record) []pushtest.Event {
	var told []pushtest.Event
	index := uint32(0)
	tell := func(yes bool) {
		if yes {
			told = append(told, pushtest.Event{Sequence: r.Sequence, Index: index})
		}
		index++
	}
	owns := func(account trade.AccountID) bool { return o.All || slices.Contains(o.User.Accounts, account) }
	for _, event := range r.Events {
		switch e := event.(type) {
		case *trade.ExecutionReport:
			tell(owns(e.Order.Account))
		case *trade.CancelRejected:
			tell(owns(e.Order.Account))
		case *trade.TradeChanged:
			tell(owns(e.Trade.Buyer.Account))
			tell(owns(e.Trade.Seller.Account))
			tell(slices.Contains(o.Symbols, e.Trade.Symbol))
		case *trade.LevelChanged:
			tell(false) // State.
		case *trade.PositionChanged:
			tell(owns(e.Position.Account))
		case *trade.LimitsChanged:
			tell(owns(e.Account))
		case *trade.InstrumentChanged:
			tell(true)
		case *trade.UserChanged:
			tell(e.User.ID == o.User.ID || o.User.Roles.Has(trade.RoleAdmin))
		case *trade.PresenceChanged:
			tell(o.Presence)
		case *trade.Announced:
			tell(len(e.To) == 0 || slices.Contains(e.To, o.User.ID))
		}
	}
	return told
}
