package engine

import (
	"fmt"
	"time"

	"todoku/trade"
)

// rates limits the messages of accounts. It is not part of the state, and its refusals
// are not journaled, so that a flood of messages uses no disk.
//
// Cancels are counted apart from orders and replaces, and a cancel that ends an order is
// taken in any case: a program that sends too many orders must never keep its account
// from reducing risk. Such cancels are bounded too, since each ends what an order within
// the rate began.
//
// It is the generic cell rate algorithm (ITU-T I.371): an account may be one
// second ahead of its rate. The values are times in nanoseconds since 1970.
type rates map[allowance]int64

// allowance is what one rate is for.
type allowance struct {
	account trade.AccountID
	cancels bool
}

// take says whether one more message at a time is within perSecond, and counts it.
func (r rates) take(from allowance, perSecond uint32, now int64) bool {
	cost := int64(time.Second) / int64(perSecond)
	next := max(r[from], now) + cost
	if next-now > int64(time.Second) && next-now > cost {
		return false
	}
	r[from] = next
	return true
}

// withinRate counts a message of an account, and refuses one too many. Only messages of
// the account's own users count.
func (e *Engine) withinRate(command trade.Command, now int64) error {
	from, rule := command.From(), ruleOf(command)
	perSecond := e.options.Default.MaxMessagesPerSecond
	if a := e.state.accounts[from.Account]; a != nil && a.limits.MaxMessagesPerSecond != 0 {
		perSecond = a.limits.MaxMessagesPerSecond
	}
	if !rule.trading || perSecond == 0 || perSecond == trade.Unlimited {
		return nil
	}
	user := e.state.users[from.User]
	if user == nil || !user.Owns(from.Account) {
		return nil
	}
	if !e.rates.take(allowance{from.Account, rule.cancels}, perSecond, now) {
		return trade.Refuse(trade.ReasonRateLimit, "", fmt.Sprintf("at most %d a second", perSecond))
	}
	return nil
}
