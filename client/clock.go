package client

import "time"

// An event has a commit time by the venue's clock and a delivery time by this machine's.
// To compare them, the difference of the clocks must be known. A Hello carries the venue's
// time, which lies between request and arrival; a heartbeat cannot arrive before it was
// sent. This is NTP (RFC 5905, section 8) with bounds instead of an average, which also
// give the error.

// clockDrift is the largest drift between two clocks: one part in 5,000 (200 ppm).
const clockDrift = 5000

// clocks bounds how far the venue's clock is ahead of this machine's.
type clocks struct {
	low, high time.Duration
	at        time.Time // When they held; zero for never.
}

// hello takes the venue's time from a message that was sent between sent and received.
func (c *clocks) hello(sent, venue, received time.Time) {
	c.narrow(venue.Sub(received), venue.Sub(sent), received)
}

// heartbeat takes the venue's time from a message without a request.
func (c *clocks) heartbeat(venue, received time.Time) {
	if c.at.IsZero() {
		return
	}
	_, high := c.bounds(received)
	low := venue.Sub(received)
	if low > high { // A clock was set, and the old bounds are wrong.
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

// bounds returns the bounds now; they widen with time.
func (c *clocks) bounds(now time.Time) (low, high time.Duration) {
	drift := max(0, now.Sub(c.at)) / clockDrift
	return c.low - drift, c.high + drift
}

// ahead is how far the venue's clock is ahead of this machine's, with the error.
func (c *clocks) ahead(now time.Time) (ahead, giveOrTake time.Duration, known bool) {
	if c.at.IsZero() {
		return 0, 0, false
	}
	low, high := c.bounds(now)
	return low + (high-low)/2, (high - low + 1) / 2, true
}
