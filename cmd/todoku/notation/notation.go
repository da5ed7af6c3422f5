// Package notation writes orders, books, users and limits of the API for people.
package notation

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"todoku/cmd/todoku/cli"
	todokuv1 "todoku/gen/todoku/v1"
)

// OrZero returns a decimal of the API, which is empty for zero, or "0".
func OrZero(number string) string { return cmp.Or(number, "0") }

// Order writes an order as it is typed.
func Order(side todokuv1.Side, quantity, symbol, price string) string {
	text := fmt.Sprintf("%s %s %s", cli.Word(side), quantity, symbol)
	if price == "" {
		return text + " at the market"
	}
	return text + " @ " + price
}

// Best writes the best prices of a book.
func Best(symbol string, bid, offer *todokuv1.BookLevel, last string) string {
	side := func(l *todokuv1.BookLevel) string {
		if l.GetPrice() == "" || OrZero(l.GetQuantity()) == "0" {
			return "-"
		}
		return l.GetQuantity() + " @ " + l.GetPrice()
	}
	text := fmt.Sprintf("%s bid %s, offer %s", symbol, side(bid), side(offer))
	if last != "" {
		text += ", last " + last
	}
	return text
}

// User writes what a user is and may do.
func User(u *todokuv1.User) string {
	text := fmt.Sprintf("%s (%s), %s, accounts %s", u.GetUser(), u.GetDisplayName(), Roles(u.GetRoles()), strings.Join(u.GetAccounts(), " "))
	if u.GetSuspended() {
		text += ", suspended"
	}
	return text
}

// Roles writes roles.
func Roles(roles []todokuv1.Role) string {
	var words []string
	for _, r := range roles {
		words = append(words, cli.Word(r))
	}
	return strings.Join(words, " ")
}

// Limits writes the limits of an account.
func Limits(l *todokuv1.RiskLimits) string {
	var parts []string
	for _, limit := range [][2]string{
		{"largest order", l.GetMaxOrderQuantity()},
		{"largest notional", l.GetMaxOrderNotional()},
		{"open orders", orDefault(l.GetMaxOpenOrders())},
		{"band in basis points", cli.FormatUint(l.GetPriceBandBasisPoints())},
		{"messages per second", orDefault(l.GetMaxMessagesPerSecond())},
	} {
		if limit[1] != "" && limit[1] != "0" {
			parts = append(parts, limit[0]+" "+limit[1])
		}
	}
	return l.GetAccount() + ": " + strings.Join(parts, ", ")
}

// orDefault writes a limit for which the venue has a default.
func orDefault(n uint32) string {
	switch n {
	case 0:
		return "as the venue's default"
	case math.MaxUint32:
		return "unlimited"
	}
	return cli.FormatUint(n)
}
