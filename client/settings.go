package client

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// ErrSettings is wrapped by the errors that say which settings make no sense, or
// contradict each other or the venue's.
var ErrSettings = errors.New("client: settings contradict each other")

// leastKeepalive is grpc-go's own minimum: it raises a shorter time silently. A venue
// tolerates a PING every 5 s.
const leastKeepalive = 10 * time.Second

// withDefaults sets what is zero.
func (c Config) withDefaults() Config {
	c.ClientName = cmp.Or(c.ClientName, "todoku-go")
	c.KeepaliveTime = cmp.Or(c.KeepaliveTime, 20*time.Second)
	c.KeepaliveTimeout = cmp.Or(c.KeepaliveTimeout, 10*time.Second)
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
	refuse(c.Address == "", "no address: set Config.Address")
	refuse(c.KeepaliveTime < leastKeepalive,
		"keepalive time %s is too short: gRPC needs at least %s", c.KeepaliveTime, leastKeepalive)
	refuse(c.KeepaliveTimeout < 0, "keepalive timeout %s is negative", c.KeepaliveTimeout)
	refuse(c.StaleAfter < 0 || c.WatchdogAfter < 0, "StaleAfter %s and WatchdogAfter %s must not be negative", c.StaleAfter, c.WatchdogAfter)
	refuse(c.WatchdogAfter > 0 && c.StaleAfter >= c.WatchdogAfter,
		"StaleAfter %s must be shorter than WatchdogAfter %s", c.StaleAfter, c.WatchdogAfter)
	refuse(c.CancelOnDisconnect < 0, "cancel on disconnect %s is negative", c.CancelOnDisconnect)
	return errors.Join(errs...)
}

// checkHeartbeat refuses a silence that is shorter than the heartbeat interval: every
// quiet stream would be ended.
func (c Config) checkHeartbeat(interval time.Duration) error {
	longest := interval + interval/10 // The venue spreads them by a tenth.
	for what, silence := range map[string]time.Duration{"stale": c.StaleAfter, "ended": c.WatchdogAfter} {
		if silence > 0 && silence <= longest {
			return fmt.Errorf("%w: a stream is %s after %s of silence, but the venue sends a heartbeat only every %s",
				ErrSettings, what, silence, interval)
		}
	}
	return nil
}
