// Package feedtest computes which events a user must receive, and tests any implementation
// of [feed.IndexStore].
package feedtest

import (
	"slices"

	"todoku/push/pushtest"
	"todoku/trade"
)

// The naive table of audiences, for tests at any level. It shares only the design with
// package feed, so that a mistake in one is not in both.

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
	var events []pushtest.Event
	index := uint32(0)
	add := func(yes bool) {
		if yes {
			events = append(events, pushtest.Event{Sequence: r.Sequence, Index: index})
		}
		index++
	}
	owns := func(account trade.AccountID) bool { return o.All || slices.Contains(o.User.Accounts, account) }
	for _, event := range r.Events {
		switch e := event.(type) {
		case *trade.ExecutionReport:
			add(owns(e.Order.Account))
		case *trade.CancelRejected:
			add(owns(e.Order.Account))
		case *trade.TradeChanged:
			add(owns(e.Trade.Buyer.Account))
			add(owns(e.Trade.Seller.Account))
			add(slices.Contains(o.Symbols, e.Trade.Symbol))
		case *trade.LevelChanged:
			add(false) // State.
		case *trade.PositionChanged:
			add(owns(e.Position.Account))
		case *trade.LimitsChanged:
			add(owns(e.Account))
		case *trade.InstrumentChanged:
			add(true)
		case *trade.UserChanged:
			add(e.User.ID == o.User.ID || o.User.Roles.Has(trade.RoleAdmin))
		case *trade.PresenceChanged:
			add(o.Presence)
		case *trade.Announced:
			add(len(e.To) == 0 || slices.Contains(e.To, o.User.ID))
		}
	}
	return events
}
