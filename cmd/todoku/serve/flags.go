package serve

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
	"todoku/rpc"
	"todoku/server"
)

// Options are the settings of a server: those of package server, and those that only the
// command needs or that need a conversion.
type Options struct {
	Config      server.Config
	expiryGrace time.Duration
	pingIdle    bool
	demo        bool
	demoSeed    int64
	logFormat   string
	logLevel    string
	traces      traceOptions
}

// Settings of a demo venue that differ from those of a real one.
const (
	demoData  = "data-demo"
	demoDrain = 2 * time.Second
)

// Define gives a command the settings of a server.
func Define(command *cobra.Command, o *Options) {
	c := &o.Config
	cli.AddSettings(command, "Place", func(flags *pflag.FlagSet) {
		flags.StringVar(&c.Data, "data", "data", "data directory, or sqlite:///directory; "+demoData+" with --demo")
		flags.StringVar(&c.GRPCAddr, "grpc-addr", "127.0.0.1:7443", "host:port for gRPC; port 0 takes any")
		flags.StringVar(&c.HTTPAddr, "http-addr", "127.0.0.1:8080", "host:port for the status page, health and metrics; port 0 takes any")
		flags.BoolVar(&o.demo, "demo", false, "a venue to try: instruments, users and traders; in a data directory of its own")
		flags.Int64Var(&o.demoSeed, "demo-seed", 1, "seed of the random numbers of the demo traders")
	})
	cli.AddSettings(command, "Security", func(flags *pflag.FlagSet) {
		flags.StringVar(&c.TLSCert, "tls-cert", "", "PEM file of the certificate, with --tls-key")
		flags.StringVar(&c.TLSKey, "tls-key", "", "PEM file of the certificate's key")
		flags.StringVar(&c.TLSClientCA, "tls-client-ca", "", "PEM file of a CA; clients must present a certificate signed by it")
		flags.BoolVar(&c.Insecure, "insecure", false, "allow addresses that other machines can reach without TLS")
		flags.StringSliceVar(&c.PublicURLs, "public-url", nil, "URLs by which browsers and scrapers reach the HTTP port, such as https://desk.example.com; names of no URL are refused without TLS")
		flags.DurationVar(&c.Accounts.AccessTTL, "access-token-life", 15*time.Minute, "how long an access token is valid")
		flags.DurationVar(&c.Accounts.RefreshTTL, "session-life", 12*time.Hour, "how long a session lives after its last refresh")
		cli.ParsedFlag(flags, &c.Accounts.MaxSessionLife, "session-max-life", "duration", "30d", "how long a session lives at most, however often it is refreshed; 0 for no limit", parseSessionLife)
		flags.IntVar(&c.Accounts.MinPassword, "password-min", 15, "characters that a new password has at least")
		flags.DurationVar(&o.expiryGrace, "expiry-grace", 30*time.Second, "how long a stream may outlive its session's token")
	})
	cli.AddSettings(command, "Venue", func(flags *pflag.FlagSet) {
		cli.ParsedFlag(flags, &c.Venue.DayEnd, "day-end", "string", "00:00", "when the trading day ends, HH:MM or HH:MM:SS UTC", parseDayEnd)
		flags.Uint64Var(&c.SnapshotEvery, "snapshot-every", 500_000, "write a snapshot of the state after this many commands")
		cli.ParsedFlag(flags, &c.Retain, "retain", "duration", "0s", "delete history older than this, such as 90d; 0 keeps it without limit", parseSpan)
		flags.Int64Var(&c.MaxJournalBytes, "max-journal-bytes", 0, "refuse commands when the journal's file has reached this size; 0 for no limit")
		flags.IntVar(&c.Replay.ReplayEvents, "replay-events", 10_000, "a resume replays at most this many events; beyond that it gets a snapshot")
		flags.DurationVar(&c.Replay.ReplayAge, "replay-age", 24*time.Hour, "a resume replays at most events of this age")
		flags.DurationVar(&c.Presence.Grace, "presence-grace", 15*time.Second, "a user who is back within this time is not shown as signed out")
	})
	cli.AddSettings(command, "Streams", func(flags *pflag.FlagSet) {
		p := &c.Push
		flags.DurationVar(&p.HeartbeatInterval, "heartbeat", 5*time.Second, "a message at least this often on every stream")
		flags.DurationVar(&p.AckTimeout, "ack-timeout", 45*time.Second, "end a stream whose client acknowledges nothing for this time; negative never")
		flags.DurationVar(&p.SendTimeout, "send-timeout", 5*time.Second, "end a stream whose send is blocked for this time")
		flags.DurationVar(&p.StreamAge, "stream-age", 30*time.Minute, "ask a client to open a new stream after this time, ± 15 %; negative never")
		flags.DurationVar(&p.ReconnectGrace, "reconnect-grace", 10*time.Second, "time between the request to reconnect and the end of the stream")
		flags.DurationVar(&p.Gather, "gather", 5*time.Millisecond, "under load wait at most this time for more before a send; negative never")
		flags.IntVar(&p.QueueMessages, "queue-messages", 4096, "end a stream that is behind by this many events")
		flags.IntVar(&p.QueueBytes, "queue-bytes", 3<<19, "end a stream that is behind by this many bytes of memory: the events' own and 256 for each")
		flags.IntVar(&p.UnackedBytes, "unacked-bytes", 256<<20, "end a stream whose client has not acknowledged this many bytes; -1 for no limit")
		flags.DurationVar(&c.Drain, "drain", 40*time.Second, "a stop takes at most this time while streams are open; 2s with --demo")
	})
	cli.AddSettings(command, "Clients and proxies", func(flags *pflag.FlagSet) {
		k, p := &c.Clients, &c.Proxy
		flags.DurationVar(&k.Stale, "client-stale", 8*time.Second, "clients show that they may be out of date after this time of silence")
		flags.DurationVar(&k.Watchdog, "client-watchdog", 15*time.Second, "clients open a new stream after this time of silence")
		flags.DurationVar(&k.Acknowledge, "client-acknowledge", 0, "clients acknowledge at least this often (default 15s, or a third of --ack-timeout if that is less)")
		flags.DurationVar(&k.KeepaliveTime, "client-keepalive-time", session.ClientKeepaliveTime, "how often clients send a PING, which --keepalive-min-time must allow")
		flags.DurationVar(&p.Idle, "proxy-idle", 0, "after how long without traffic a proxy before the venue cuts a stream; 0 if there is no proxy")
		flags.DurationVar(&p.HardStop, "proxy-hard-stop", 0, "how long that proxy keeps streams when it is reloaded; 0 for no limit")
	})
	defineLimits(command, c)
	cli.AddSettings(command, "HTTP/2", func(flags *pflag.FlagSet) {
		k := &c.Keepalive
		flags.DurationVar(&k.Time, "keepalive-time", 30*time.Second, "send a client a PING after this time without traffic")
		flags.DurationVar(&k.Timeout, "keepalive-timeout", 10*time.Second, "end a connection whose PING is not answered within this time")
		flags.DurationVar(&k.MinTime, "keepalive-min-time", 5*time.Second, "how often a client may send a PING")
		flags.BoolVar(&o.pingIdle, "keepalive-permit-without-stream", true, "clients may send PINGs on a connection without calls")
		flags.DurationVar(&k.MaxConnectionIdle, "max-connection-idle", 0, "end a connection without calls after this time; 0 never")
		flags.DurationVar(&k.MaxConnectionAge, "max-connection-age", 0, "end a connection after this time; 0 never, because streams have an age of their own")
		flags.DurationVar(&k.MaxConnectionAgeGrace, "max-connection-age-grace", 0, "how long the calls of such a connection may continue; 0 for no limit")
	})
	cli.AddSettings(command, "Log", func(*pflag.FlagSet) {
		cli.ChoiceFlag(command, &o.logFormat, "log-format", "auto", "text, json, or auto: text on a terminal", "auto", "text", "json")
		cli.ChoiceFlag(command, &o.logLevel, "log-level", "info", "debug, info, warn or error", "debug", "info", "warn", "error")
	})
	cli.AddSettings(command, "Traces", func(flags *pflag.FlagSet) {
		flags.StringVar(&o.traces.endpoint, "otlp-endpoint", "", "send OpenTelemetry traces to this collector by OTLP over gRPC: host:port, or https://host:port")
		flags.Uint32Var(&o.traces.perMille, "trace-per-mille", 10, "calls of a thousand that are traced if the caller did not decide")
	})
}

// Complete sets what follows from other settings, and checks that they agree.
func (o *Options) Complete(flags *pflag.FlagSet) error {
	if o.demo {
		if !flags.Changed("data") {
			o.Config.Data = demoData
		}
		if !flags.Changed("drain") {
			o.Config.Drain = demoDrain
		}
		if err := o.checkDemo(); err != nil {
			return err
		}
	}
	o.Config.Push.ExpiryGrace, o.Config.Accounts.Grace = o.expiryGrace, o.expiryGrace
	o.Config.Keepalive.NoPingWithoutStream = !o.pingIdle
	o.Config.Version = cli.Version()
	if o.traces.perMille > 1000 {
		return cli.Usagef("invalid --trace-per-mille %d: the maximum is 1000, which is every call", o.traces.perMille)
	}
	return cli.WrongUsageIf(o.Config.Check(), server.ErrConfig)
}

// checkDemo refuses a demo venue that other machines can reach: its passwords are public.
func (o *Options) checkDemo() error {
	if o.Config.TLSCert != "" {
		return cli.Usagef("a demo venue has no TLS; leave out --tls-cert, or --demo")
	}
	for _, addr := range []string{o.Config.GRPCAddr, o.Config.HTTPAddr} {
		host, _, err := net.SplitHostPort(addr)
		if err == nil && !session.IsLoopback(host) && !o.Config.Insecure {
			return cli.Usagef("%s can be reached from other machines, and a demo's passwords are public; use 127.0.0.1, or give --insecure", addr)
		}
	}
	return nil
}

// parseDayEnd reads a time of day as seconds after midnight.
func parseDayEnd(text string) (uint32, error) {
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return uint32(t.Hour()*3600 + t.Minute()*60 + t.Second()), nil
		}
	}
	return 0, errors.New("write a time of day, such as 21:00")
}

// parseSessionLife reads a duration, of which 0 is no limit.
func parseSessionLife(text string) (time.Duration, error) {
	life, err := parseSpan(text)
	if err == nil && life == 0 {
		life = -1
	}
	return life, err
}

// parseSpan reads a duration that may be written in days.
func parseSpan(text string) (time.Duration, error) {
	days, ok := strings.CutSuffix(text, "d")
	if !ok {
		return time.ParseDuration(text)
	}
	const longest = 100 * 365
	n, err := strconv.Atoi(days)
	if err != nil || n < 0 || n > longest {
		return 0, fmt.Errorf("choose 0d to %dd", longest)
	}
	return time.Duration(n) * 24 * time.Hour, nil
}

// defineLimits gives a command the limits of a user, of a network and of all clients. A
// network is an IPv4 address or an IPv6 /64.
func defineLimits(command *cobra.Command, c *server.Config) {
	cli.AddSettings(command, "Limits of a user", func(flags *pflag.FlagSet) {
		flags.IntVar(&c.Push.StreamsPerUser, "streams-per-user", 100, "live streams, of which one session has at most 64; -1 for no limit")
		flags.IntVar(&c.Push.TopicsPerStream, "topics-per-stream", 10_000, "instruments, accounts and the like of one stream; -1 for no limit")
		flags.IntVar(&c.Limits.CallsPerUser, "calls-per-user", 1000, "unary calls at once; before a sign-in those of the network; -1 for no limit")
		rateFlag(flags, &c.Limits.AttachesPerUser, "attach-rate", rpc.Rate{PerSecond: 20, Burst: 200}, "streams opened")
		rateFlag(flags, &c.Limits.SubscriptionsPerUser, "subscription-rate", rpc.Rate{PerSecond: 50, Burst: 200}, "changes of subscriptions")
		rateFlag(flags, &c.Limits.SessionsPerUser, "session-rate", rpc.Rate{PerSecond: 2, Burst: 1024}, "refreshes and opened connections")
	})
	cli.AddSettings(command, "Limits of an account", func(flags *pflag.FlagSet) {
		flags.IntVar(&c.DefaultLimits.OpenOrders, "open-orders-per-account", 10_000, "working orders, unless limits set says otherwise; -1 for no limit")
		flags.IntVar(&c.DefaultLimits.Messages, "messages-per-account", 1000, "orders and replaces a second, and as many cancels, unless limits set says otherwise; -1 for no limit")
	})
	cli.AddSettings(command, "Limits of an address", func(flags *pflag.FlagSet) {
		flags.IntVar(&c.Push.StreamsPerAddress, "streams-per-address", 4000, "live streams; -1 for no limit")
		flags.IntVar(&c.Doors.ConnectionsPerNetwork, "connections-per-address", 4000, "TCP connections; -1 for no limit")
		rateFlag(flags, &c.Limits.AttachesPerNetwork, "address-attach-rate", rpc.Rate{PerSecond: 1000, Burst: 10_000}, "streams opened")
		rateFlag(flags, &c.Limits.RefusalsPerNetwork, "address-refusal-rate", rpc.Rate{PerSecond: 200, Burst: 2000}, "calls without a valid token; beyond it their connections are read slowly")
		rateFlag(flags, &c.Limits.SignInsPerNetwork, "address-sign-in-rate", rpc.Rate{PerSecond: 50, Burst: 2000}, "sign-ins")
		flags.IntVar(&c.Accounts.HashShare, "address-sign-in-share", 128, "sign-ins that may wait for their turn, of 256; -1 for all")
		flags.IntVar(&c.Accounts.Lockout.AddressAfter, "lockout-address-after", 100, "lock an address after this many wrong passwords; -1 never")
	})
	cli.AddSettings(command, "Limits of a connection", func(flags *pflag.FlagSet) {
		flags.IntVar(&c.Doors.Connections, "connections", 0, "TCP connections in all; 0 for as many as the limit of open files allows, -1 for no limit")
		flags.DurationVar(&c.Doors.Handshake, "handshake-timeout", 10*time.Second, "close a connection that has not sent a gRPC request within this time")
		flags.DurationVar(&c.Doors.Admission, "admission-timeout", time.Minute, "close a connection over which no call with a valid token came within this time; negative never")
		flags.Uint32Var(&c.Doors.CallsPerConnection, "calls-per-connection", 1000, "calls and streams at once on one connection")
		flags.Uint32Var(&c.Doors.HeaderBytes, "header-bytes", 16<<10, "headers of one call")
	})
}

// rateFlag defines a setting of a rate and a burst. "20,200" allows 20 a second, after 200
// at once.
func rateFlag(flags *pflag.FlagSet, p *rpc.Rate, name string, standard rpc.Rate, what string) {
	*p = standard
	shown := fmt.Sprintf("%d,%d", p.PerSecond, p.Burst)
	cli.ParsedFlag(flags, p, name, "rate", shown, what+": a second, and at once after a pause; off for no limit", parseRate)
}

func parseRate(text string) (rpc.Rate, error) {
	if text == "off" {
		return rpc.Rate{PerSecond: -1}, nil
	}
	perSecond, burst, _ := strings.Cut(text, ",")
	r, err1 := strconv.Atoi(strings.TrimSpace(perSecond))
	b, err2 := strconv.Atoi(strings.TrimSpace(burst))
	if err1 != nil || err2 != nil || r < 1 || b < 1 {
		return rpc.Rate{}, errors.New(`write "20,200" for 20 a second after 200 at once, or off`)
	}
	return rpc.Rate{PerSecond: r, Burst: b}, nil
}
