package serve

import (
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
	"todoku/server"
)

// ServeOptions are the settings of a server. What the server package takes as it
// is stands in config; the rest needs a word more.
type ServeOptions struct {
	Config      server.Config
	retain      spanValue
	dayEnd      string
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

// DefineServe gives a command the settings of a server.
func DefineServe(command *cobra.Command, o *ServeOptions) {
	c := &o.Config
	cli.AddSettings(command, "Place", func(flags *pflag.FlagSet) {
		flags.StringVar(&c.Data, "data", "data", "data directory, or sqlite:///directory; "+demoData+" with --demo")
		flags.StringVar(&c.GRPCAddr, "grpc-addr", "127.0.0.1:7443", "host:port for gRPC; port 0 takes any")
		flags.StringVar(&c.HTTPAddr, "http-addr", "127.0.0.1:8080", "host:port for the status page, health and metrics; port 0 takes any")
		flags.BoolVar(&o.demo, "demo", false, "a venue to try: instruments, users and traders; in a data directory of its own")
		flags.Int64Var(&o.demoSeed, "demo-seed", 1, "what the demo traders do follows from it")
	})
	cli.AddSettings(command, "Security", func(flags *pflag.FlagSet) {
		flags.StringVar(&c.TLSCert, "tls-cert", "", "PEM file of the certificate, with --tls-key")
		flags.StringVar(&c.TLSKey, "tls-key", "", "PEM file of the certificate's key")
		flags.StringVar(&c.TLSClientCA, "tls-client-ca", "", "PEM file; clients must show a certificate that it vouches for")
		flags.BoolVar(&c.Insecure, "insecure", false, "allow an address off this machine without TLS")
		flags.DurationVar(&c.Accounts.AccessTTL, "access-token-life", 15*time.Minute, "how long an access token is good for")
		flags.DurationVar(&c.Accounts.RefreshTTL, "session-life", 12*time.Hour, "how long a session lives after its last refresh")
		flags.DurationVar(&o.expiryGrace, "expiry-grace", 30*time.Second, "how long a stream may outlive its session's token")
	})
	cli.AddSettings(command, "Venue", func(flags *pflag.FlagSet) {
		flags.StringVar(&o.dayEnd, "day-end", "00:00", "when the trading day ends, HH:MM or HH:MM:SS UTC")
		flags.Uint64Var(&c.SnapshotEvery, "snapshot-every", 500_000, "write the state down after so many commands")
		flags.Var(&o.retain, "retain", "drop history older than this, such as 90d; 0 keeps it for ever")
		flags.Int64Var(&c.MaxJournalBytes, "max-journal-bytes", 0, "take no more commands when the journal's file has grown to this; 0 for no bound")
		flags.IntVar(&c.Replay.ReplayEvents, "replay-events", 10_000, "a resume replays at most so many events; beyond, it gets a snapshot")
		flags.DurationVar(&c.Replay.ReplayAge, "replay-age", 24*time.Hour, "a resume replays at most events of this age")
		flags.DurationVar(&c.Presence.Grace, "presence-grace", 15*time.Second, "a user who comes back within this has not been away")
	})
	cli.AddSettings(command, "Streams", func(flags *pflag.FlagSet) {
		p := &c.Push
		flags.DurationVar(&p.HeartbeatInterval, "heartbeat", 5*time.Second, "a message at least this often on every stream")
		flags.DurationVar(&p.AckTimeout, "ack-timeout", 45*time.Second, "end a stream whose client acknowledges nothing for so long; negative never")
		flags.DurationVar(&p.SendTimeout, "send-timeout", 5*time.Second, "end a stream whose send is blocked for so long")
		flags.DurationVar(&p.StreamAge, "stream-age", 30*time.Minute, "move a stream to a new connection after this, ± 15 %; negative never")
		flags.DurationVar(&p.ReconnectGrace, "reconnect-grace", 10*time.Second, "time between being told to reconnect and the end")
		flags.DurationVar(&p.Gather, "gather", 5*time.Millisecond, "under load wait at most so long for more before a send; negative never")
		flags.IntVar(&p.QueueMessages, "queue-messages", 4096, "end a stream that is behind by so many events")
		flags.IntVar(&p.QueueBytes, "queue-bytes", 3<<19, "end a stream that is behind by so many bytes of memory: the events' own and 256 for each")
		flags.IntVar(&p.UnackedBytes, "unacked-bytes", 256<<20, "end a stream whose client has not acknowledged so many bytes; -1 for no bound")
		flags.DurationVar(&c.Drain, "drain", 40*time.Second, "a stop takes at most this while streams are open; 2s with --demo")
	})
	cli.AddSettings(command, "Clients and proxies", func(flags *pflag.FlagSet) {
		k, p := &c.Clients, &c.Proxy
		flags.DurationVar(&k.Stale, "client-stale", 8*time.Second, "clients show that they may be out of date after silence of so long")
		flags.DurationVar(&k.Watchdog, "client-watchdog", 15*time.Second, "clients open a new stream after silence of so long")
		flags.DurationVar(&k.Acknowledge, "client-acknowledge", 0, "clients acknowledge at least so often (default 15s, or a third of --ack-timeout if that is less)")
		flags.DurationVar(&k.KeepaliveTime, "client-keepalive-time", session.ClientKeepaliveTime, "how often clients are known to PING, which --keepalive-min-time must allow")
		flags.DurationVar(&p.Idle, "proxy-idle", 0, "after which silence a proxy before the venue cuts a stream; 0 if there is none")
		flags.DurationVar(&p.HardStop, "proxy-hard-stop", 0, "how long that proxy lets streams go on when it is reloaded; 0 for ever")
	})
	defineLimits(command, c)
	cli.AddSettings(command, "HTTP/2", func(flags *pflag.FlagSet) {
		k := &c.Keepalive
		flags.DurationVar(&k.Time, "keepalive-time", 30*time.Second, "PING a client after so long without traffic")
		flags.DurationVar(&k.Timeout, "keepalive-timeout", 10*time.Second, "end a connection whose PING is not answered for so long")
		flags.DurationVar(&k.MinTime, "keepalive-min-time", 5*time.Second, "how often a client may PING")
		flags.BoolVar(&o.pingIdle, "keepalive-permit-without-stream", true, "clients may PING on a connection without calls")
		flags.DurationVar(&k.MaxConnectionIdle, "max-connection-idle", 0, "end a connection without calls after this; 0 never")
		flags.DurationVar(&k.MaxConnectionAge, "max-connection-age", 0, "end a connection after this, rudely; 0 never, streams have an age of their own")
		flags.DurationVar(&k.MaxConnectionAgeGrace, "max-connection-age-grace", 0, "how long its calls may go on; 0 for ever")
	})
	cli.AddSettings(command, "Log", func(flags *pflag.FlagSet) {
		flags.StringVar(&o.logFormat, "log-format", "auto", "text, json, or auto: text on a terminal")
		flags.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	})
	cli.AddSettings(command, "Traces", func(flags *pflag.FlagSet) {
		flags.StringVar(&o.traces.endpoint, "otlp-endpoint", "", "send OpenTelemetry traces to this collector by OTLP over gRPC: host:port, or https://host:port")
		flags.Uint32Var(&o.traces.perMille, "trace-per-mille", 10, "so many of a thousand calls are traced whose caller did not decide")
	})
	cli.OneOf(command, "log-format", "auto", "text", "json")
	cli.OneOf(command, "log-level", "debug", "info", "warn", "error")
}

// Complete fills what follows from other settings and refuses what contradicts.
func (o *ServeOptions) Complete(flags *pflag.FlagSet) error {
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
	end, err := parseDayEnd(o.dayEnd)
	if err != nil {
		return err
	}
	o.Config.Venue.DayEnd = end
	o.Config.Retain = time.Duration(o.retain)
	o.Config.Push.ExpiryGrace, o.Config.Accounts.Grace = o.expiryGrace, o.expiryGrace
	o.Config.Keepalive.NoPingWithoutStream = !o.pingIdle
	o.Config.Version = cli.Version()
	if _, err := o.level(); err != nil {
		return err
	}
	if o.traces.perMille > 1000 {
		return cli.Usagef("--trace-per-mille %d: at most 1000, which is every call", o.traces.perMille)
	}
	if o.logFormat != "auto" && o.logFormat != "text" && o.logFormat != "json" {
		return cli.Usagef("--log-format %q: choose auto, text or json", o.logFormat)
	}
	if err := o.Config.Check(); err != nil {
		return cli.WrongUsage(err)
	}
	return nil
}

// checkDemo refuses to show a venue with known passwords to other machines.
func (o *ServeOptions) checkDemo() error {
	if o.Config.TLSCert != "" {
		return cli.Usagef("a demo venue has no TLS; leave out --tls-cert, or --demo")
	}
	for _, addr := range []string{o.Config.GRPCAddr, o.Config.HTTPAddr} {
		host, _, err := net.SplitHostPort(addr)
		if err == nil && !session.IsLoopback(host) && !o.Config.Insecure {
			return cli.Usagef("%s can be reached from other machines, and everybody knows a demo's passwords; use 127.0.0.1, or --insecure if you mean it", addr)
		}
	}
	return nil
}

func (o *ServeOptions) level() (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return level, cli.Usagef("--log-level %q: choose debug, info, warn or error", o.logLevel)
	}
	return level, nil
}

// parseDayEnd reads a time of day as seconds after midnight.
func parseDayEnd(text string) (uint32, error) {
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return uint32(t.Hour()*3600 + t.Minute()*60 + t.Second()), nil
		}
	}
	return 0, cli.Usagef("--day-end %q is no time of day, such as 21:00", text)
}

// spanValue is a duration that may be written in days.
type spanValue time.Duration

// Set implements pflag.Value.
func (s *spanValue) Set(text string) error {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		const longest = 100 * 365
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > longest {
			return fmt.Errorf("%q is not 0d to %dd", text, longest)
		}
		*s = spanValue(n) * spanValue(24*time.Hour)
		return nil
	}
	d, err := time.ParseDuration(text)
	*s = spanValue(d)
	return err
}

// String implements pflag.Value.
func (s *spanValue) String() string {
	d := time.Duration(*s)
	if d > 0 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.String()
}

// Type implements pflag.Value.
func (s *spanValue) Type() string { return "duration" }
