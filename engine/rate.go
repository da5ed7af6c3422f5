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
// second ahead of its rate. The values are times of the monotonic clock, so that no step of
// the wall clock refuses or admits anything.
type rates map[allowance]time.Duration

// allowance is what one rate is for.
type allowance struct {
	account trade.AccountID
	cancels bool
}

// take says whether one more message at a time is within perSecond, and counts it.
func (r rates) take(from allowance, perSecond uint32, now time.Duration) bool {
	cost := time.Second / time.Duration(perSecond)
	next := max(r[from], now) + cost
	if next-now > time.Second && next-now > cost {
		return false
	}
	r[from] = next
	return true
}

// withinRate counts a message of an account, and refuses one too many. Only messages of
// the account's own users count.
func (e *Engine) withinRate(command trade.Command) error {
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
	if !e.rates.take(allowance{from.Account, rule.cancels}, perSecond, e.source.last) {
		return trade.Refuse(trade.ReasonRateLimit, "", fmt.Sprintf("at most %d a second", perSecond))
	}
	return nil
}
