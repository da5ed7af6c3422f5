package client

import (
	"errors"
	"fmt"
	"time"
)

// ErrSettings is wrapped by the errors that say which settings make no sense, or
// contradict each other or the venue's.
var ErrSettings = errors.New("client: settings contradict each other")

// leastKeepalive is what grpc-go raises a shorter keepalive time to, without a
// word. A venue tolerates a PING every 5 s.
const leastKeepalive = 10 * time.Second

// withDefaults fills in what was not said.
func (c Config) withDefaults() Config {
	if c.ClientName == "" {
		c.ClientName = "todoku-go"
	}
	if c.KeepaliveTime == 0 {
		c.KeepaliveTime = 20 * time.Second
	}
	if c.KeepaliveTimeout == 0 {
		c.KeepaliveTimeout = 10 * time.Second
	}
	return c
}

// Check reports every contradiction in the settings, each an [ErrSettings]. Dial
// calls it.
func (c Config) Check() error {
	c = c.withDefaults()
	var errs []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrSettings}, args...)...))
		}
	}
	refuse(c.Address == "", "no address")
	refuse(c.KeepaliveTime < leastKeepalive,
		"keepalive time %s: gRPC sends no PING more often than every %s", c.KeepaliveTime, leastKeepalive)
	refuse(c.KeepaliveTimeout < 0, "keepalive timeout %s is negative", c.KeepaliveTimeout)
	refuse(c.StaleAfter < 0 || c.WatchdogAfter < 0, "silence %s and %s must not be negative", c.StaleAfter, c.WatchdogAfter)
	refuse(c.WatchdogAfter > 0 && c.StaleAfter >= c.WatchdogAfter,
		"stale after %s, but the stream is left after %s already", c.StaleAfter, c.WatchdogAfter)
	refuse(c.CancelOnDisconnect < 0, "cancel on disconnect after %s", c.CancelOnDisconnect)
	return errors.Join(errs...)
}

// checkHeartbeat refuses a silence that is shorter than the venue's own: a quiet
// stream would be left again and again.
func (c Config) checkHeartbeat(interval time.Duration) error {
	longest := interval + interval/10 // The venue spreads them by a tenth.
	for what, silence := range map[string]time.Duration{"stale": c.StaleAfter, "left": c.WatchdogAfter} {
		if silence > 0 && silence <= longest {
			return fmt.Errorf("%w: a stream is %s after %s of silence, but the venue's heartbeats come every %s only",
				ErrSettings, what, silence, interval)
		}
	}
	return nil
}
