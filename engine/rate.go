package engine

import (
	"time"

	"todoku/trade"
)

// rates limits the messages of accounts. It is not part of the state, and its refusals
// are not journaled, so that a flood of messages uses no disk.
//
// It is the generic cell rate algorithm (ITU-T I.371): an account may be one
// second ahead of its rate. The values are times in nanoseconds since 1970.
type rates map[trade.AccountID]int64

// take says whether one more message at a time is within perSecond, and counts it.
func (r rates) take(account trade.AccountID, perSecond uint32, now int64) bool {
	if perSecond == 0 {
		return true
	}
	cost := int64(time.Second) / int64(perSecond)
	next := max(r[account], now) + cost
	if next-now > int64(time.Second) && next-now > cost {
		return false
	}
	r[account] = next
	return true
}
