package server_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"todoku/server"
)

// contradictions are all pairs of times that prevent a start: each with settings that
// are refused, the nearest that are accepted, and the flags that the error names.
func contradictions() map[string]contradiction {
	const s, m = time.Second, time.Minute
	return map[string]contradiction{
		"heartbeat and stale": {
			func(c *server.Config) { c.Push.HeartbeatInterval = 7500 * time.Millisecond }, // 8.25 s with its spread.
			func(c *server.Config) { c.Push.HeartbeatInterval = 7 * s },
			[]string{"--heartbeat", "--client-stale"},
		},
		"heartbeat and watchdog": {
			func(c *server.Config) { c.Push.HeartbeatInterval = 14 * s },
			func(c *server.Config) {
				c.Push.HeartbeatInterval, c.Clients.Stale, c.Clients.Watchdog = 14*s, 16*s, 17*s
			},
			[]string{"--heartbeat", "--client-watchdog"},
		},
		"stale and watchdog": {
			func(c *server.Config) { c.Clients.Stale = 15 * s },
			func(c *server.Config) { c.Clients.Stale = 14 * s },
			[]string{"--client-stale", "--client-watchdog"},
		},
		"heartbeat and the proxy's idle timer": {
			func(c *server.Config) { c.Proxy.Idle = 5 * s },
			func(c *server.Config) { c.Proxy.Idle = 6 * s },
			[]string{"--heartbeat", "--proxy-idle"},
		},
		"heartbeat and acknowledgements": {
			func(c *server.Config) { c.Push.AckTimeout = 9 * s },
			func(c *server.Config) { c.Push.AckTimeout = 10 * s },
			[]string{"heartbeat"},
		},
		"acknowledgements and their limit": {
			func(c *server.Config) { c.Clients.Acknowledge = 23 * s },
			func(c *server.Config) { c.Clients.Acknowledge = 22 * s },
			[]string{"--ack-timeout", "--client-acknowledge"},
		},
		"nothing finds dead clients": {
			func(c *server.Config) { c.Push.AckTimeout, c.Keepalive.Time = -1, 10*m },
			func(c *server.Config) { c.Push.AckTimeout, c.Keepalive.Time = -1, 9*m },
			[]string{"--ack-timeout", "--keepalive-time"},
		},
		"clients' PINGs and the least time between them": {
			func(c *server.Config) { c.Keepalive.MinTime = 21 * s },
			func(c *server.Config) { c.Keepalive.MinTime, c.Clients.KeepaliveTime = 21*s, 30*s },
			[]string{"--keepalive-min-time", "--client-keepalive-time"},
		},
		"PINGs more often than gRPC sends them": {
			func(c *server.Config) { c.Keepalive.Time = s / 2 },
			func(c *server.Config) { c.Keepalive.Time = s },
			[]string{"--keepalive-time"},
		},
		"connection age without grace": {
			func(c *server.Config) { c.Keepalive.MaxConnectionAge = time.Hour },
			func(c *server.Config) {
				c.Keepalive.MaxConnectionAge, c.Keepalive.MaxConnectionAgeGrace = time.Hour, 35*m
			},
			[]string{"--max-connection-age-grace", "without limit"},
		},
		"connection age and stream age": {
			func(c *server.Config) {
				c.Keepalive.MaxConnectionAge, c.Keepalive.MaxConnectionAgeGrace = time.Hour, 34*m
			},
			func(c *server.Config) {
				c.Keepalive.MaxConnectionAge, c.Keepalive.MaxConnectionAgeGrace, c.Push.StreamAge = time.Hour, 34*m, 20*m
			},
			[]string{"--max-connection-age-grace", "--stream-age"},
		},
		"connection age and streams that have none": {
			func(c *server.Config) {
				c.Keepalive.MaxConnectionAge, c.Keepalive.MaxConnectionAgeGrace, c.Push.StreamAge = time.Hour, time.Hour, -1
			},
			func(c *server.Config) { c.Push.StreamAge = -1 },
			[]string{"--max-connection-age"},
		},
		"grace without connection age": {
			func(c *server.Config) { c.Keepalive.MaxConnectionAgeGrace = m },
			func(c *server.Config) { c.Keepalive.MaxConnectionIdle = m },
			[]string{"--max-connection-age-grace"},
		},
		"stream age and the proxy's hard stop": {
			func(c *server.Config) { c.Proxy.HardStop = 34 * m }, // 30 min and 15 %, then 10 s to move.
			func(c *server.Config) { c.Proxy.HardStop = 35 * m },
			[]string{"--stream-age", "--proxy-hard-stop"},
		},
		"streams without age and the proxy's hard stop": {
			func(c *server.Config) { c.Push.StreamAge, c.Proxy.HardStop = -1, 24*time.Hour },
			func(c *server.Config) { c.Push.StreamAge = -1 },
			[]string{"--stream-age", "--proxy-hard-stop"},
		},
		"stream age and heartbeat": {
			func(c *server.Config) { c.Push.StreamAge = 4 * s },
			func(c *server.Config) { c.Push.StreamAge = 5 * s },
			[]string{"heartbeat"},
		},
		"a drain without time to move": {
			func(c *server.Config) { c.Drain = 100 * time.Millisecond },
			func(c *server.Config) { c.Drain = 200 * time.Millisecond },
			[]string{"--drain"},
		},
		"session life and its tokens": {
			func(c *server.Config) { c.Accounts.RefreshTTL = 15 * m },
			func(c *server.Config) { c.Accounts.RefreshTTL = 16 * m },
			[]string{"AccessTTL", "Grace"},
		},
		"what a resume replays and what is kept": {
			func(c *server.Config) { c.Retain, c.Replay.ReplayAge = 48*time.Hour, 49*time.Hour },
			func(c *server.Config) { c.Retain, c.Replay.ReplayAge = 48*time.Hour, 48*time.Hour },
			[]string{"--retain", "--replay-age"},
		},
		"a negative time": {
			func(c *server.Config) { c.Keepalive.Timeout = -s },
			func(c *server.Config) { c.Keepalive.Timeout = s },
			[]string{"negative"},
		},
		"a negative time of clients": {
			func(c *server.Config) { c.Proxy.Idle = -s },
			func(c *server.Config) { c.Proxy.Idle = 0 },
			[]string{"negative"},
		},
	}
}

type contradiction struct {
	bad, good func(*server.Config)
	says      []string
}

func TestTimesThatContradictEachOtherAreRefused(t *testing.T) {
	t.Parallel()
	if err := (server.Config{}).Check(); err != nil {
		t.Fatalf("the defaults are refused: %v", err)
	}
	for name, c := range contradictions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bad, good server.Config
			c.bad(&bad)
			c.good(&good)
			err := bad.Check()
			if !errors.Is(err, server.ErrConfig) {
				t.Fatalf("%v, want a refusal of the settings", err)
			}
			if lines := strings.Split(err.Error(), "\n"); len(lines) != 1 {
				t.Errorf("one contradiction has %d errors: %q", len(lines), lines)
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("refused with %q, which does not say %q", err, want)
				}
			}
			if err := good.Check(); err != nil {
				t.Errorf("the nearest valid settings are refused: %v", err)
			}
		})
	}
}

// TestAllContradictionsAreNamedAtOnce: an operator needs one start to see them all.
func TestAllContradictionsAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	var config server.Config
	together := []string{
		"heartbeat and stale", "acknowledgements and their limit", "clients' PINGs and the least time between them",
		"connection age without grace", "stream age and the proxy's hard stop", "a drain without time to move",
		"session life and its tokens", "what a resume replays and what is kept",
	}
	for name, c := range contradictions() {
		if slices.Contains(together, name) {
			c.bad(&config)
		}
	}
	err := config.Check()
	if err == nil || len(strings.Split(err.Error(), "\n")) != len(together) {
		t.Errorf("%d contradictions are refused with\n%v", len(together), err)
	}
}
