package client

import "time"

// The venue says when an event was committed, by its clock, and this machine knows
// when it was handed on, by another. What lies between can only be told when it is
// known how far the clocks are apart. Nobody needs to ask for that: a stream's Hello
// carries the venue's time, which lies between the asking and the arriving, and each
// heartbeat shows anew that a message cannot arrive before it was sent. As with NTP
// (RFC 5905, section 8), but bounds are kept instead of an average, so that it is
// known how wrong the answer can be.

// clockDrift is by how much two clocks run apart at most: one part in 5,000 (200 ppm).
const clockDrift = 5000

// clocks are bounds of how far the venue's clock is ahead of this machine's.
type clocks struct {
	low, high time.Duration
	at        time.Time // When they held; zero for never.
}

// hello takes the venue's time out of the answer to what was sent.
func (c *clocks) hello(sent, venue, received time.Time) {
	c.narrow(venue.Sub(received), venue.Sub(sent), received)
}

// heartbeat takes the venue's time out of what came unasked.
func (c *clocks) heartbeat(venue, received time.Time) {
	if c.at.IsZero() {
		return
	}
	_, high := c.bounds(received)
	low := venue.Sub(received)
	if low > high { // A clock was set: all that is known is that the message took its time.
		c.low, c.high, c.at = low, low+c.high-c.low, received
		return
	}
	c.narrow(low, high, received)
}

func (c *clocks) narrow(low, high time.Duration, now time.Time) {
	if !c.at.IsZero() {
		oldLow, oldHigh := c.bounds(now)
		if narrowLow, narrowHigh := max(low, oldLow), min(high, oldHigh); narrowLow <= narrowHigh {
			low, high = narrowLow, narrowHigh
		}
	}
	c.low, c.high, c.at = low, high, now
}

// bounds returns them as they hold now: wider with time.
func (c *clocks) bounds(now time.Time) (low, high time.Duration) {
	drift := max(0, now.Sub(c.at)) / clockDrift
	return c.low - drift, c.high + drift
}

// ahead is how far the venue's clock is ahead of this machine's, give or take.
func (c *clocks) ahead(now time.Time) (ahead, giveOrTake time.Duration, known bool) {
	if c.at.IsZero() {
		return 0, 0, false
	}
	low, high := c.bounds(now)
	return low + (high-low)/2, (high - low + 1) / 2, true
}
