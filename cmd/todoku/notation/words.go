// Package notation says how values of the API are written and read at the command
// line: enums, numbers, orders, users, limits.
package notation

import (
	"fmt"
	"strings"

	"todoku/cmd/todoku/cli"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// Upper returns a symbol as the venue writes it.
func Upper(symbol string) string { return strings.ToUpper(symbol) }

// SayOrder writes an order as it is typed.
func SayOrder(side todokuv1.Side, quantity, symbol, price string) string {
	text := fmt.Sprintf("%s %s %s", cli.Word(side, "SIDE_"), quantity, symbol)
	if price == "" {
		return text + " at the market"
	}
	return text + " @ " + price
}

func OrZero(number string) string {
	if number == "" {
		return "0"
	}
	return number
}

func Count(n uint32, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// How an order is written: BUY 10 USDJPY @ 151.25. What is read here is only how
// it is written; whether the venue takes it is the venue's to say.

// The words of an order, in the order of their numbers in the API.
func SideWords() []string { return []string{"BUY", "SELL"} }
func TypeWords() []string { return []string{"LIMIT", "MARKET"} }
func TifWords() []string  { return []string{"DAY", "GTC", "GTD", "IOC", "FOK"} }

func SelfTradeWords() []string { return []string{"CANCEL_TAKER", "CANCEL_MAKER", "CANCEL_BOTH"} }

// Positive checks a price or quantity and returns its shortest exact text.
func Positive(what, text string) (string, error) {
	number, err := trade.ParseQuantity(text)
	switch {
	case err != nil && strings.Contains(text, ","):
		return "", fmt.Errorf("%s %q: write digits and at most one point, no commas", what, text)
	case err != nil:
		return "", fmt.Errorf("%s: %w", what, err)
	case number <= 0:
		return "", fmt.Errorf("%s %q is not greater than zero", what, text)
	}
	return number.String(), nil
}

// RoleWords are the roles in the order of their numbers in the API.
func RoleWords() []string { return []string{"TRADER", "VIEWER", "RISK", "ADMIN"} }

// SayBest tells the best prices of a book.
func SayBest(symbol string, bid, offer *todokuv1.BookLevel, last string) string {
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

func SayUser(u *todokuv1.User) string {
	text := fmt.Sprintf("%s (%s), %s, accounts %s", u.GetUser(), u.GetDisplayName(), SayRoles(u.GetRoles()), strings.Join(u.GetAccounts(), " "))
	return text + cli.YesNo(u.GetSuspended(), ", suspended")
}

func SayRoles(roles []todokuv1.Role) string {
	var words []string
	for _, r := range roles {
		words = append(words, cli.Word(r, "ROLE_"))
	}
	return strings.Join(words, " ")
}

func SayLimits(l *todokuv1.RiskLimits) string {
	var parts []string
	add := func(name, value string) {
		if value != "" && value != "0" {
			parts = append(parts, name+" "+value)
		}
	}
	add("largest order", l.GetMaxOrderQuantity())
	add("largest notional", l.GetMaxOrderNotional())
	add("open orders", cli.FormatUint(l.GetMaxOpenOrders()))
	add("band in basis points", cli.FormatUint(l.GetPriceBandBasisPoints()))
	add("messages per second", cli.FormatUint(l.GetMaxMessagesPerSecond()))
	if len(parts) == 0 {
		parts = []string{"no limits"}
	}
	return l.GetAccount() + ": " + strings.Join(parts, ", ")
}
