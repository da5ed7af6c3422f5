package server

import (
	"fmt"
	"time"
)

// Timers work against each other without anybody noticing: each is sound alone,
// and streams are cut "sometimes". What cannot work together is refused before
// anything starts, with the reason and with what to do.

// Check says whether [New] would take the settings, defaults filled in, without
// opening or making anything but the files of TLS. The error is [ErrConfig] with
// everything that is wrong.
func (c Config) Check() error {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return err
	}
	_, err := c.tlsConfig()
	return err
}

// refusals collect what is wrong, a sentence each.
type refusals []error

// when refuses the settings if bad, in words that say why and what to do.
func (r *refusals) when(bad bool, format string, args ...any) {
	if bad {
		*r = append(*r, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
	}
}

// contradictions returns what the timers of venue, clients and proxy do to each
// other. Defaults are filled in.
func (c *Config) contradictions() []error {
	var r refusals
	c.checkSilence(&r)
	c.checkReceipts(&r)
	c.checkPings(&r)
	c.checkAges(&r)
	return r
}

// slowest is the longest time between two heartbeats, which are spread by 10 %.
func (c *Config) slowest() time.Duration { return c.Push.WithDefaults().HeartbeatInterval * 11 / 10 }

// LongestStream is the longest that a stream may live, its time to reconnect
// included: a proxy that is reloaded must let streams go on for longer. Zero: it
// may live for ever.
func (c *Config) LongestStream() time.Duration {
	p := c.Push.WithDefaults()
	if p.StreamAge < 0 {
		return 0
	}
	return p.StreamAge*115/100 + p.ReconnectGrace // Ages are spread by 15 %.
}

// checkSilence holds heartbeats against everything that takes silence for death.
func (c *Config) checkSilence(r *refusals) {
	k, beat := c.Clients, c.slowest()
	r.when(k.Stale < 0 || k.Watchdog < 0 || k.Acknowledge < 0 || k.KeepaliveTime < 0 || c.Proxy.Idle < 0 || c.Proxy.HardStop < 0,
		"a time of clients or of the proxy is negative")
	r.when(beat >= k.Stale && beat < k.Watchdog,
		"heartbeats come up to %s apart and clients call silence of %s stale: every quiet screen would flicker; lower --heartbeat or raise --client-stale", beat, k.Stale)
	r.when(beat >= k.Watchdog,
		"heartbeats come up to %s apart and clients give a stream up after silence of %s: every quiet stream would be opened again and again; lower --heartbeat or raise --client-watchdog", beat, k.Watchdog)
	r.when(k.Stale >= k.Watchdog,
		"clients would reconnect after silence of %s, before they show at %s that they are stale; lower --client-stale or raise --client-watchdog", k.Watchdog, k.Stale)
	r.when(c.Proxy.Idle > 0 && beat >= c.Proxy.Idle,
		"the proxy cuts streams after silence of %s and heartbeats come up to %s apart: quiet streams would be cut; lower --heartbeat, or raise the proxy's timer to 90s and say so by --proxy-idle", c.Proxy.Idle, beat)
}

// checkReceipts holds acknowledgements against what misses them.
func (c *Config) checkReceipts(r *refusals) {
	limit, every := c.Push.WithDefaults().AckTimeout, c.Clients.Acknowledge
	r.when(limit > 0 && limit < 2*every,
		"streams end without an acknowledgement for %s and clients send one every %s: a single late one would end them; raise --ack-timeout to twice as much or lower --client-acknowledge", limit, every)
	r.when(limit < 0 && c.Keepalive.Time+c.Keepalive.Timeout > longestBlind,
		"with --ack-timeout off only PINGs find a dead client, after %s; lower --keepalive-time, or let acknowledgements count", c.Keepalive.Time+c.Keepalive.Timeout)
	r.when(c.Retain != 0 && c.Replay.ReplayAge > c.Retain,
		"a resume may replay %s and history is kept for %s; lower --replay-age or raise --retain", c.Replay.ReplayAge, c.Retain)
}

// longestBlind is how long a dead client may go unnoticed where acknowledgements
// do not count.
const longestBlind = 10 * time.Minute

// checkPings holds the keepalive settings (gRPC proposals A8, A9) against each
// other and against those of clients.
func (c *Config) checkPings(r *refusals) {
	k := c.Keepalive
	r.when(k.Time < 0 || k.Timeout < 0 || k.MinTime < 0 || k.MaxConnectionIdle < 0 || k.MaxConnectionAge < 0 || k.MaxConnectionAgeGrace < 0,
		"a keepalive time is negative; zero takes the default, or is off")
	r.when(k.Time > 0 && k.Time < time.Second,
		"gRPC PINGs every second at most, not every %s; raise --keepalive-time", k.Time)
	r.when(k.MinTime > c.Clients.KeepaliveTime,
		"clients PING every %s, and who does so more often than every %s is cut for too many PINGs; lower --keepalive-min-time, or raise --client-keepalive-time here and at the clients", c.Clients.KeepaliveTime, k.MinTime)
}

// checkAges holds the ages of connections and streams, and the ends that they come
// to, against each other.
func (c *Config) checkAges(r *refusals) {
	k, longest := c.Keepalive, c.LongestStream()
	r.when(k.MaxConnectionAge > 0 && k.MaxConnectionAgeGrace == 0,
		"connections are told to go at %s and streams would keep them for ever; give --max-connection-age-grace, or leave --max-connection-age off: streams have an age of their own", k.MaxConnectionAge)
	r.when(k.MaxConnectionAge > 0 && k.MaxConnectionAgeGrace > 0 && (longest == 0 || k.MaxConnectionAgeGrace < longest),
		"streams live for %s and their connections are cut %s after their age, without a word; raise --max-connection-age-grace above that, lower --stream-age, or leave --max-connection-age off", forever(longest), k.MaxConnectionAgeGrace)
	r.when(k.MaxConnectionAge == 0 && k.MaxConnectionAgeGrace > 0,
		"--max-connection-age-grace says how long calls may go on after --max-connection-age, which is off; set both or none")
	r.when(c.Proxy.HardStop > 0 && (longest == 0 || longest >= c.Proxy.HardStop),
		"streams live for %s and a reloaded proxy cuts what is left after %s; lower --stream-age, or raise the proxy's hard stop and say so by --proxy-hard-stop", forever(longest), c.Proxy.HardStop)
	r.when(c.Drain > 0 && c.Drain < shortestDrain,
		"a drain of %s tells streams to move and ends them in the same moment: all clients would come back at once; raise --drain to %s", c.Drain, shortestDrain)
}

// shortestDrain leaves streams a tenth of a second to be told to move.
const shortestDrain = 200 * time.Millisecond

// forever is a stream's longest life in words.
func forever(longest time.Duration) string {
	if longest == 0 {
		return "as long as they like"
	}
	return "up to " + longest.String()
}
