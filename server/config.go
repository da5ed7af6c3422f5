package server

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"go.opentelemetry.io/otel/trace"

	"todoku/account"
	"todoku/door"
	"todoku/engine"
	"todoku/feed"
	"todoku/live"
	"todoku/push"
	"todoku/rpc"
	"todoku/trade"
)

// ErrConfig says that settings are wrong or contradict each other; the text says
// which and what to do.
var ErrConfig = errors.New("server: settings")

// Config says how to run a venue. The zero value of a field takes the default
// that its comment names.
type Config struct {
	// Data is where the venue's data is, as [OpenStorage] takes it; it is made if it
	// is missing. "data" by default.
	Data string
	// GRPCAddr and HTTPAddr are where to listen, host:port; port 0 takes any.
	// Defaults 127.0.0.1:7443 and 127.0.0.1:8080.
	GRPCAddr, HTTPAddr string

	// TLSCert and TLSKey are PEM files; both or none.
	TLSCert, TLSKey string
	// TLSClientCA is a PEM file; clients must then show a certificate of it.
	TLSClientCA string
	// Insecure allows an address off this machine without TLS.
	Insecure bool
	// PublicURLs are the addresses at which browsers and scrapers reach the HTTP port by a
	// name: http or https, a host and at most a port. Without TLS other names are refused,
	// except localhost, the machine's name and the host of HTTPAddr.
	PublicURLs []string

	// Venue holds for the whole venue; DayEnd is midnight UTC by default.
	Venue trade.Venue
	// DefaultLimits bound what an account without limits of its own may do.
	DefaultLimits DefaultLimits
	// SnapshotEvery is after how many records a snapshot is written; 500,000.
	SnapshotEvery uint64
	// MaxRecord bounds the record of one command, in bytes; 16 MiB, which is also the
	// maximum.
	MaxRecord int
	// Retain is how long history is kept, at least 48 h; without limit by default.
	Retain time.Duration
	// MaxJournalBytes bounds the journal's file; no bound by default.
	MaxJournalBytes int64

	// Drain is how long a stop may take while streams are open; 40 s.
	Drain time.Duration
	// Keepalive are the HTTP/2 settings of the gRPC port.
	Keepalive Keepalive
	// Clients are the intervals that the venue sends to its clients and expects.
	Clients Clients
	// Proxy describes the proxy before the venue, as far as it is known.
	Proxy Proxy
	// Doors are the limits on connections.
	Doors Doors
	// Limits say what one user and one network may ask for.
	Limits rpc.Limits
	// Push are the settings of the streams. Epoch, HasState, Encoder and Listener
	// are the server's own; Gather is 5 ms by default, negative is off.
	Push push.Config
	// Replay bounds what a resume replays.
	Replay feed.Options
	// Accounts are the settings of sessions. The hooks are the server's own.
	Accounts account.Config
	// Presence are the settings of who is signed in.
	Presence live.PresenceOptions
	// Node is the name of this process among those of the venue; live.DefaultNode.
	Node string

	// Tracing makes spans of sampled commands, from the call to the deliveries; nil
	// for none.
	Tracing trace.TracerProvider

	// Version is sent to clients and shown in metrics.
	Version string
	// Logger is slog.Default by default.
	Logger *slog.Logger
	// DroppedLogLines returns how many lines of the log were dropped; none by default.
	DroppedLogLines func() uint64
	// Clock returns the time; time.Now by default.
	Clock func() time.Time
}

// DefaultLimits are the limits of an account that has none of its own. Negative is no
// limit. Risk managers set others for an account, also above these.
type DefaultLimits struct {
	// OpenOrders bounds how many orders work at once; 10,000.
	OpenOrders int
	// Messages bounds orders and replaces a second, and cancels apart from them; 1,000,
	// which is one full batch.
	Messages int
}

func (l DefaultLimits) engine() engine.DefaultLimits {
	limit := func(n int) uint32 {
		if n < 0 || int64(n) > trade.Unlimited {
			return trade.Unlimited
		}
		return uint32(n)
	}
	return engine.DefaultLimits{MaxOpenOrders: limit(l.OpenOrders), MaxMessagesPerSecond: limit(l.Messages)}
}

// Keepalive are grpc-go's server keepalive settings (gRPC proposals A8 and A9).
// Zero takes the default; the first three are off by default.
type Keepalive struct {
	// MaxConnectionIdle, MaxConnectionAge and MaxConnectionAgeGrace end connections
	// without a reason to the client; the age of streams is a better way.
	MaxConnectionIdle, MaxConnectionAge, MaxConnectionAgeGrace time.Duration
	// Time and Timeout find dead peers: 30 s and 10 s.
	Time, Timeout time.Duration
	// MinTime is how often a client may PING; 5 s.
	MinTime time.Duration
	// NoPingWithoutStream refuses PINGs on a connection without calls: a client that
	// sends them is disconnected with too_many_pings.
	NoPingWithoutStream bool
}

// Clients are the intervals that every Hello carries, and one that clients are
// known to use. Zero takes the default.
type Clients struct {
	// Stale is the silence after which a client shows that it may be out of date, 8 s;
	// Watchdog is that after which it opens a new stream, 15 s.
	Stale, Watchdog time.Duration
	// Acknowledge is how often a client acknowledges at least: 15 s, or a third of
	// Push.AckTimeout where that is less.
	Acknowledge time.Duration
	// KeepaliveTime is how often clients PING: 20 s, as the Go client does. It is
	// not sent to them.
	KeepaliveTime time.Duration
}

// Proxy are timers of a proxy, which the venue cannot read. Zero is unknown, and is
// compared with nothing.
type Proxy struct {
	// Idle is the silence after which the proxy closes a stream (grpc_read_timeout,
	// timeout server).
	Idle time.Duration
	// HardStop is how long streams continue after a reload of the proxy
	// (worker_shutdown_timeout, hard-stop-after).
	HardStop time.Duration
}

// Doors are the limits on connections before the caller is known.
type Doors struct {
	// Connections bounds TCP connections to both ports, negative for no bound; by
	// default as many as the process may have files, less what the databases need.
	Connections int
	// ConnectionsPerNetwork bounds those from one address (an IPv6 /64); 4,000,
	// negative for no bound, which a server behind a proxy needs.
	ConnectionsPerNetwork int
	// Handshake is how long the TLS and HTTP/2 handshakes of a connection to the gRPC
	// port may take; 10 s.
	Handshake time.Duration
	// Admission is how long a connection may live over which no call with a valid token
	// came; 60 s, negative for no limit.
	Admission time.Duration
	// CallsPerConnection bounds calls and streams under way on one connection; 1,000.
	CallsPerConnection uint32
	// HeaderBytes bounds the headers of a call, as HTTP/2 counts them; 16 KiB.
	HeaderBytes uint32
}

func (c Config) withDefaults() Config {
	c.Data = cmp.Or(c.Data, "data")
	c.GRPCAddr = cmp.Or(c.GRPCAddr, "127.0.0.1:7443")
	c.HTTPAddr = cmp.Or(c.HTTPAddr, "127.0.0.1:8080")
	c.Logger = cmp.Or(c.Logger, slog.Default())
	if c.DroppedLogLines == nil {
		c.DroppedLogLines = func() uint64 { return 0 }
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	// A subscription of "*" takes a topic per instrument.
	c.Push.TopicsPerStream = cmp.Or(c.Push.TopicsPerStream, 10_000)
	c.Push.StreamsPerAddress = cmp.Or(c.Push.StreamsPerAddress, door.DefaultPerNetwork)
	if c.Push.Network == nil {
		c.Push.Network = account.Network
	}
	c.Doors.CallsPerConnection = cmp.Or(c.Doors.CallsPerConnection, 1000)
	c.Doors.HeaderBytes = cmp.Or(c.Doors.HeaderBytes, 16<<10)
	c.Doors.Handshake = cmp.Or(c.Doors.Handshake, 10*time.Second)
	c.Drain = cmp.Or(c.Drain, 40*time.Second)
	c.DefaultLimits.OpenOrders = cmp.Or(c.DefaultLimits.OpenOrders, 10_000)
	c.DefaultLimits.Messages = cmp.Or(c.DefaultLimits.Messages, 1000)
	c.Push.Gather = cmp.Or(c.Push.Gather, 5*time.Millisecond)
	c.Keepalive.Time = cmp.Or(c.Keepalive.Time, 30*time.Second)
	c.Keepalive.Timeout = cmp.Or(c.Keepalive.Timeout, 10*time.Second)
	c.Keepalive.MinTime = cmp.Or(c.Keepalive.MinTime, 5*time.Second)
	c.Clients.Stale = cmp.Or(c.Clients.Stale, 8*time.Second)
	c.Clients.Watchdog = cmp.Or(c.Clients.Watchdog, 15*time.Second)
	c.Clients.KeepaliveTime = cmp.Or(c.Clients.KeepaliveTime, 20*time.Second)
	if c.Clients.Acknowledge == 0 {
		c.Clients.Acknowledge = 15 * time.Second
		if limit := c.Push.WithDefaults().AckTimeout; limit > 0 {
			c.Clients.Acknowledge = min(c.Clients.Acknowledge, limit/3)
		}
	}
	return c
}

const (
	// shortestRetain keeps everything that a resume may replay, and a day more.
	shortestRetain = 48 * time.Hour
	// leastHeaderBytes hold a call's own headers and an access token.
	leastHeaderBytes = 2 << 10
)

// validate refuses invalid settings and settings that contradict each other.
func (c *Config) validate() error {
	var r refusals
	r.when((c.TLSCert == "") != (c.TLSKey == ""), "a certificate needs its key, and a key its certificate")
	r.when(c.TLSClientCA != "" && c.TLSCert == "", "client certificates need TLS: give a certificate and its key")
	for _, addr := range []string{c.GRPCAddr, c.HTTPAddr} {
		host, _, err := net.SplitHostPort(addr)
		r.when(err != nil, "%q is not host:port", addr)
		r.when(err == nil && c.TLSCert == "" && !c.Insecure && !loopback(host),
			"%s can be reached from other machines; set --tls-cert and --tls-key, or allow plaintext with --insecure", addr)
	}
	for _, text := range c.PublicURLs {
		_, err := publicURL(text)
		r.when(err != nil, "%w", err)
	}
	r.when(c.Retain != 0 && c.Retain < shortestRetain, "invalid --retain %q: history must be kept for at least %s; raise --retain", c.Retain, shortestRetain)
	r.when(c.Drain < 0, "invalid --drain %q: it must not be negative", c.Drain)
	r.when(c.Doors.Handshake < 0, "a handshake of %s is negative", c.Doors.Handshake)
	r.when(c.Doors.HeaderBytes < leastHeaderBytes, "headers of %d bytes leave no room for an access token: %d at least", c.Doors.HeaderBytes, leastHeaderBytes)
	r.when(c.Push.UnackedBytes > 0 && c.Push.UnackedBytes < max(c.Push.QueueBytes, 1<<20),
		"%d bytes without acknowledgement are less than one stream's queue", c.Push.UnackedBytes)
	attaches := c.Limits.AttachesPerUser
	r.when(attaches.PerSecond > 0 && c.Push.StreamsPerUser > attaches.Burst,
		"%d streams of a user cannot come back at once when only %d may be opened at once (--streams-per-user, --attach-rate)", c.Push.StreamsPerUser, attaches.Burst)
	streams := c.Push
	streams.Epoch = "check"
	for _, err := range []error{streams.Validate(), c.Accounts.Validate(), c.Limits.Validate()} {
		r.when(err != nil, "%w", err)
	}
	if _, err := StorageDirectory(c.Data); err != nil {
		r = append(r, err)
	}
	c.checkSilence(&r)
	c.checkAcknowledgements(&r)
	c.checkPings(&r)
	c.checkAges(&r)
	return errors.Join(r...)
}

func loopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// certificates opens the files of TLS, nil for plaintext.
func (c *Config) certificates() (*door.Certificates, error) {
	if c.TLSCert == "" {
		return nil, nil //nolint:nilnil // No TLS is an answer.
	}
	opened, err := door.OpenCertificates(c.TLSCert, c.TLSKey, c.TLSClientCA, func(err error) {
		if err != nil {
			c.Logger.Error("certificates not reloaded; the earlier ones stay in use", failure(err))
			return
		}
		c.Logger.Info("certificates reloaded", slog.String("certificate", c.TLSCert))
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return opened, nil
}
