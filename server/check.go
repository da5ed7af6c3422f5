package server

import (
	"fmt"
	"time"
)

// Each timer may be reasonable alone and still contradict another one. Streams then end
// "sometimes". Such settings are refused before the start, with the reason and with what
// to do.

// Check says whether [New] would accept the settings, with defaults filled in. It opens
// nothing but the files of TLS. The error is [ErrConfig] with everything that is wrong.
func (c Config) Check() error {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	_, err := c.certificates()
	return err
}

// refusals are the errors of a configuration.
type refusals []error

// when adds an error if bad. Its text says why and what to do.
func (r *refusals) when(bad bool, format string, args ...any) {
	if bad {
		*r = append(*r, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
	}
}

// LongestStream is the longest that a stream may live, its time to reconnect
// included: a proxy that is reloaded must let streams continue for longer. Zero means
// no limit.
func (c *Config) LongestStream() time.Duration {
	p := c.Push.WithDefaults()
	if p.StreamAge < 0 {
		return 0
	}
	return p.StreamAge*115/100 + p.ReconnectGrace // Ages are spread by 15 %.
}

// checkSilence compares heartbeats with everything that ends or marks a silent
// stream.
func (c *Config) checkSilence(r *refusals) {
	k, beat := c.Clients, c.Push.WithDefaults().HeartbeatInterval*11/10 // Heartbeats are spread by 10 %.
	r.when(k.Stale < 0 || k.Watchdog < 0 || k.Acknowledge < 0 || k.KeepaliveTime < 0 || c.Proxy.Idle < 0 || c.Proxy.HardStop < 0,
		"a time of clients or of the proxy is negative")
	r.when(beat >= k.Stale && beat < k.Watchdog,
		"heartbeats come up to %s apart, but clients show themselves as stale after %s of silence: every quiet screen would flicker; lower --heartbeat or raise --client-stale", beat, k.Stale)
	r.when(beat >= k.Watchdog,
		"heartbeats come up to %s apart, but clients reopen a stream after %s of silence: every quiet stream would be reopened again and again; lower --heartbeat or raise --client-watchdog", beat, k.Watchdog)
	r.when(k.Stale >= k.Watchdog,
		"clients would reconnect after %s of silence, before they show that they are stale after %s; lower --client-stale or raise --client-watchdog", k.Watchdog, k.Stale)
	r.when(c.Proxy.Idle > 0 && beat >= c.Proxy.Idle,
		"the proxy cuts streams after %s of silence, but heartbeats come up to %s apart: quiet streams would be cut; lower --heartbeat, or raise the proxy's timer to 90s and set --proxy-idle to the same", c.Proxy.Idle, beat)
}

// checkAcknowledgements compares the time between acknowledgements with what ends streams
// without them, and the times that bound a resume.
func (c *Config) checkAcknowledgements(r *refusals) {
	limit, every := c.Push.WithDefaults().AckTimeout, c.Clients.Acknowledge
	r.when(limit > 0 && limit < 2*every,
		"streams end after %s without an acknowledgement, but clients send one only every %s: one late acknowledgement would end them; raise --ack-timeout to twice as much or lower --client-acknowledge", limit, every)
	r.when(limit < 0 && c.Keepalive.Time+c.Keepalive.Timeout > longestUnnoticed,
		"with --ack-timeout off only PINGs find a dead client, after %s; lower --keepalive-time, or let acknowledgements count", c.Keepalive.Time+c.Keepalive.Timeout)
	r.when(c.Retain != 0 && c.Replay.ReplayAge > c.Retain,
		"a resume may replay %s, but history is kept for only %s; lower --replay-age or raise --retain", c.Replay.ReplayAge, c.Retain)
}

// longestUnnoticed is how long a client may be dead before PINGs find it, where
// acknowledgements are off.
const longestUnnoticed = 10 * time.Minute

// checkPings compares the keepalive settings (gRPC proposals A8, A9) with each
// other and with those of clients.
func (c *Config) checkPings(r *refusals) {
	k := c.Keepalive
	r.when(k.Time < 0 || k.Timeout < 0 || k.MinTime < 0 || k.MaxConnectionIdle < 0 || k.MaxConnectionAge < 0 || k.MaxConnectionAgeGrace < 0,
		"a keepalive time is negative; zero takes the default, or is off")
	r.when(k.Time > 0 && k.Time < time.Second,
		"gRPC PINGs every second at most, not every %s; raise --keepalive-time", k.Time)
	r.when(k.MinTime > c.Clients.KeepaliveTime,
		"clients PING every %s, but a client that does so more often than every %s is disconnected with too_many_pings; lower --keepalive-min-time, or raise --client-keepalive-time here and at the clients", c.Clients.KeepaliveTime, k.MinTime)
}

// checkAges compares the ages of connections and streams, and the ways they end.
func (c *Config) checkAges(r *refusals) {
	k, longest := c.Keepalive, c.LongestStream()
	r.when(k.MaxConnectionAge > 0 && k.MaxConnectionAgeGrace == 0,
		"connections get GOAWAY after %s, but open streams would keep them alive without limit; set --max-connection-age-grace, or leave --max-connection-age off: --stream-age ends streams", k.MaxConnectionAge)
	r.when(k.MaxConnectionAge > 0 && k.MaxConnectionAgeGrace > 0 && (longest == 0 || k.MaxConnectionAgeGrace < longest),
		"streams live %s, but their connections are closed %s after their age without a reason; raise --max-connection-age-grace above that, lower --stream-age, or leave --max-connection-age off", lifetime(longest), k.MaxConnectionAgeGrace)
	r.when(k.MaxConnectionAge == 0 && k.MaxConnectionAgeGrace > 0,
		"--max-connection-age-grace says how long calls may go on after --max-connection-age, which is off; set both or none")
	r.when(c.Proxy.HardStop > 0 && (longest == 0 || longest >= c.Proxy.HardStop),
		"streams live %s, but a reloaded proxy closes them after %s; lower --stream-age, or raise the proxy's hard stop and set --proxy-hard-stop to the same", lifetime(longest), c.Proxy.HardStop)
	r.when(c.Drain > 0 && c.Drain < shortestDrain,
		"invalid --drain %q: streams need at least %s to move, or all clients reconnect at once; raise --drain", c.Drain, shortestDrain)
}

// shortestDrain leaves streams a tenth of a second to reconnect elsewhere.
const shortestDrain = 200 * time.Millisecond

// lifetime is a stream's longest life, for a message.
func lifetime(longest time.Duration) string {
	if longest == 0 {
		return "without limit"
	}
	return "for up to " + longest.String()
}
