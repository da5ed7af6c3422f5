package pathtest_test

import (
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"todoku/client"
	"todoku/internal/apptest"
	"todoku/internal/pathtest"
	"todoku/server"
)

// Faults of the path with real packets: both ends must notice in time, name the cause, and
// lose nothing.

// afar is a venue on one host of a network, and a client on the other.
type afar struct {
	*pathtest.Network
	app    *apptest.App
	staff  staff
	client *follower
}

// farApart serves a venue with scaled-down times and follows alice's feed from the
// other host.
func farApart(t *testing.T, change func(*server.Config), changes ...func(*client.Config)) *afar {
	t.Helper()
	n := pathtest.NewNetwork(t)
	config := settings(t)
	config.GRPCAddr, config.Insecure = net.JoinHostPort(n.Venue.IP, "0"), true
	if change != nil {
		change(&config)
	}
	a := &afar{Network: n}
	n.Venue.Do(t, func() { a.app = apptest.Serve(t, config) })
	a.staff = a.staffAt()
	a.client = follow(t, a.app.GRPCAddr().String(), append(changes, from(n.Client))...)
	return a
}

// staffAt signs an administrator in on the venue's own host.
func (a *afar) staffAt() staff {
	d := a.app.Desktop(grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(a.Venue.Dial))
	d.SignIn("admin")
	return staff{d}
}

// resumed sends an announcement and checks that it and those before arrived once each.
func (a *afar) resumed(t *testing.T, before ...string) {
	t.Helper()
	a.staff.Announce("afterwards")
	a.client.await("afterwards")
	for _, text := range append(before, "afterwards") {
		if n := a.client.count(text); n != 1 {
			t.Errorf("%q arrived %d times: %q", text, n, a.client.history())
		}
	}
}

// TestBothEndsNoticeThatPacketsAreDropped cuts the path in both directions without notice
// to either end. With TODOKU_SOAK all times are the defaults.
func TestBothEndsNoticeThatPacketsAreDropped(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change        func(*server.Config)
		reason, cause string // of the venue
	}{
		"by missing acknowledgements": {nil, client.ReasonNotAcknowledging, ""},
		"by keepalive": {func(c *server.Config) {
			c.Keepalive.Time, c.Keepalive.Timeout, c.Push.AckTimeout = time.Second, time.Second, -1
		}, "DISCONNECTED", "KEEPALIVE_TIMEOUT"},
	}
	if soak() {
		defaults := func(c *server.Config) {
			c.Push.HeartbeatInterval, c.Clients, c.Keepalive, c.Push.AckTimeout = 0, server.Clients{}, server.Keepalive{}, 0
		}
		byPing := cases["by keepalive"]
		byPing.change = func(c *server.Config) { defaults(c); c.Push.AckTimeout = -1 }
		byReceipt := cases["by missing acknowledgements"]
		byReceipt.change = func(c *server.Config) { defaults(c); c.Keepalive.Time, c.Keepalive.Timeout = time.Hour, time.Minute }
		cases["by keepalive"], cases["by missing acknowledgements"] = byPing, byReceipt
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := farApart(t, c.change)
			a.client.await(beat)
			pass := a.Drop()
			dropped := time.Now()
			a.client.await(string(client.StateStale))
			a.client.await(client.ReasonWatchdog)
			end := a.staff.ended(t, "alice", dropped)
			if end.GetEndReason() != c.reason || end.GetEndCause() != c.cause {
				t.Errorf("for the venue it ended with %s %s", end.GetEndReason(), end.GetEndCause())
			}
			a.staff.Announce("meanwhile")
			pass()
			a.client.await(string(client.StateLive))
			a.resumed(t, "meanwhile")
		})
	}
}

// TestUnansweredPingsEndAStream covers the other way in which a client detects a dead path,
// where heartbeats are so rare that its watchdog is slower. gRPC sends a PING every 10 s at
// most.
func TestUnansweredPingsEndAStream(t *testing.T) {
	t.Parallel()
	a := farApart(t, func(c *server.Config) {
		c.Push.HeartbeatInterval, c.Push.AckTimeout = patience/3, patience
		c.Clients.Stale, c.Clients.Watchdog = patience/2, patience
	}, func(c *client.Config) { c.KeepaliveTime, c.KeepaliveTimeout = 10*time.Second, time.Second })
	pass := a.Drop()
	a.client.await(client.ReasonKeepalive)
	pass()
	a.client.await(string(client.StateLive))
	a.resumed(t)
}

// TestAFlowThatAFirewallForgotIsReplacedByAnother drops the packets of connections
// that exist, silently, and lets new ones through: a NAT that lost its table.
func TestAFlowThatAFirewallForgotIsReplacedByAnother(t *testing.T) {
	t.Parallel()
	// The venue is not to notice before the client is back.
	a := farApart(t, func(c *server.Config) { c.Push.AckTimeout, c.Keepalive.Timeout = patience, patience })
	a.client.await(beat)
	a.Forget()
	forgotten := time.Now()
	a.staff.Announce("meanwhile")
	a.client.await(string(client.StateStale))
	a.client.await(client.ReasonWatchdog)
	a.client.await(string(client.StateLive))
	if end := a.staff.ended(t, "alice", forgotten); end.GetEndReason() != client.ReasonReplaced {
		t.Errorf("for the venue the forgotten stream ended with %s", end.GetEndReason())
	}
	a.resumed(t, "meanwhile")
}

// TestAResetIsNoticedAtOnce sends the client's packets to a machine that does not have the
// connection and answers with RST, as after a failover or a power cut. The client must
// not wait for its watchdog, and the venue notices as soon as its own packets reach the
// client's machine and an answer comes back.
func TestAResetIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	a := farApart(t, func(c *server.Config) { c.Clients.Stale, c.Clients.Watchdog = 30*time.Second, time.Minute })
	a.client.await(beat)
	restore := a.Replace()
	replaced := time.Now()
	a.client.await(client.ReasonConnectLost)
	a.staff.Announce("meanwhile")
	restore()
	a.client.await(string(client.StateLive))
	if end := a.staff.ended(t, "alice", replaced); end.GetEndReason() != "DISCONNECTED" && end.GetEndReason() != client.ReasonReplaced {
		t.Errorf("for the venue the stream ended with %s", end.GetEndReason())
	}
	a.resumed(t, "meanwhile")
}

// TestAVenueThatVanishesIsNoticed takes the cable out of the venue's machine: no FIN
// and no RST reaches anybody.
func TestAVenueThatVanishesIsNoticed(t *testing.T) {
	t.Parallel()
	a := farApart(t, func(c *server.Config) {
		c.Keepalive.Time, c.Keepalive.Timeout, c.Push.AckTimeout = time.Second, time.Second, patience
	})
	a.client.await(beat)
	plug := a.Unplug()
	unplugged := time.Now()
	a.client.await(string(client.StateStale))
	a.client.await(client.ReasonWatchdog)
	end := a.staff.ended(t, "alice", unplugged)
	if end.GetEndReason() != "DISCONNECTED" || end.GetEndCause() != "KEEPALIVE_TIMEOUT" {
		t.Errorf("for the venue it ended with %s %s", end.GetEndReason(), end.GetEndCause())
	}
	a.staff.Announce("meanwhile")
	plug()
	a.client.await(string(client.StateLive))
	a.resumed(t, "meanwhile")
}

// TestAClientCutOffBehindAProxyIsFreedByMissingAcknowledgements drops packets
// between a client and a proxy that runs beside the venue and acknowledges all the
// venue sends, PINGs too.
func TestAClientCutOffBehindAProxyIsFreedByMissingAcknowledgements(t *testing.T) {
	t.Parallel()
	for name, start := range proxies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := pathtest.NewNetwork(t)
			config := settings(t)
			config.GRPCAddr, config.Insecure = net.JoinHostPort(n.Venue.IP, "0"), true
			config.Keepalive.Time, config.Keepalive.Timeout = time.Second, time.Second
			a := &afar{Network: n}
			var proxy *pathtest.Proxy
			n.Venue.Do(t, func() {
				a.app = apptest.Serve(t, config)
				proxy = start(t, a.app.GRPCAddr().String(), pathtest.Timers{Listen: net.JoinHostPort(n.Venue.IP, "7443")})
			})
			a.staff = a.staffAt()
			a.client = follow(t, proxy.Address, from(n.Client))
			a.client.await(beat)
			pass := a.Drop()
			dropped := time.Now()
			end := a.staff.ended(t, "alice", dropped)
			if end.GetEndReason() != client.ReasonNotAcknowledging {
				t.Errorf("freed with %s", end.GetEndReason())
			}
			a.staff.Announce("meanwhile")
			pass()
			a.client.await(string(client.StateLive))
			a.resumed(t, "meanwhile")
		})
	}
}
