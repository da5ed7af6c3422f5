package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"todoku/bench"
	"todoku/bench/yardstick"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
)

// Servers that feeds are measured on.
const (
	serverVenue     = "todoku"
	serverYardstick = "yardstick"
	modeTable       = "table"
)

// feedsBench is what the benchmarks of feeds have in common.
type feedsBench struct {
	at        benchVenue
	row       bench.Row
	yardstick bool
	repeat    int
	asJSON    bool
	named     bool // the server, by --server
}

func (f *feedsBench) define(command *cobra.Command, streams int) {
	flags := command.Flags()
	flags.IntVar(&f.row.Config.Streams, "streams", streams, "clients that are attached")
	flags.IntVar(&f.row.Config.Connections, "connections", 0, "TCP connections that they share; one for each when 0")
	flags.IntVar(&f.row.Config.Payload, "payload", 200, "bytes of an event's text, 40 to 1000")
	flags.IntVar(&f.repeat, "repeat", 1, "measure so many times and show the median; with --yardstick, by turns")
	flags.BoolVar(&f.yardstick, "yardstick", false, "measure a server of the usual kind first: a channel and a goroutine for each client")
	f.at.define(flags)
	cli.AddJSON(command, &f.asJSON)
}

func benchPushCommand(a *cli.App) *cobra.Command {
	f := feedsBench{}
	var mode, frozen string
	command := &cobra.Command{
		Use: "push", Short: "Measure pushing events to many clients",
		Long: `Attaches clients to a venue, announces events to all of them through the public API, and
measures from when an event was due to its arrival at each client, and what that cost the
server. Every client checks that each event comes once and in order, and that the cursors
of the responses form a chain.

--mode push: without --rate the next burst is announced when all but --in-flight of them
have arrived everywhere, which finds the limit: the more are in flight, the more a server
can gather into one send. With --rate events are due at fixed times. --burst announces
several at once, which the venue journals together.
--mode idle: memory of the server for each connection that has nothing to receive.
--mode freeze: after --duration one client stops reading, until the server ends its
stream or --span is over; what the others notice, and how it comes back.
--mode freeze-memory: what that client costs the server in resident memory. In each of
--rounds another client stops reading until the server ends its stream; then as much
time passes without such a client, and the difference is what counts. The server is
started anew with GOGC=5, unless GOGC is set, so that garbage does not hide it.
--mode table: all of them and a storm, as published, each on a fresh server; about four
minutes, and twice that with --yardstick.

The latency of one event to the next is bounded by the way of a single command below some
twenty streams: then use --burst. A venue that is named by --server must be one to spare:
the benchmark makes users bench-1, bench-2, … there, as the administrator TODOKU_USER with
TODOKU_PASSWORD.`,
		Example: `  todoku bench push --yardstick
  todoku bench push --rate 200 --duration 30s --json
  todoku bench push --burst 16
  todoku bench push --mode idle --streams 10000
  todoku bench push --mode freeze-memory --freeze application --duration 60s`,
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.StringVar(&mode, "mode", bench.WorkPush, "push, idle, freeze, freeze-memory or table")
	flags.IntVar(&f.row.Config.Rate, "rate", 0, "events a second; 0 for as many as go, 34 in the modes freeze and freeze-memory")
	flags.IntVar(&f.row.Config.Burst, "burst", 1, "events announced at once")
	flags.IntVar(&f.row.Config.InFlight, "in-flight", 0, "without a rate: bursts that have not arrived everywhere; 8 for single events, 2 otherwise when 0")
	flags.DurationVar(&f.row.Config.Warmup, "warmup", time.Second, "time before anything is measured")
	flags.DurationVar(&f.row.Config.Duration, "duration", 10*time.Second, "time that is measured")
	flags.StringVar(&frozen, "freeze", string(bench.FrozenWindow), "window: the client reads and never lets more come; socket: it does not read; application: a program that does not take what arrives; process: one that is stopped")
	flags.DurationVar(&f.row.Span, "span", time.Minute, "how long a client stays frozen if its stream is not ended; 30s on the yardstick, which never does")
	const rounds = 5
	flags.IntVar(&f.row.Rounds, "rounds", rounds, "clients that freeze one after the other in mode freeze-memory")
	f.define(command, 0)
	cli.OneOf(command, "mode", bench.WorkPush, bench.WorkIdle, bench.WorkFreeze, bench.WorkFreezeMemory, modeTable)
	cli.OneOf(command, "freeze", string(bench.FrozenWindow), string(bench.FrozenSocket), string(bench.FrozenApplication), string(bench.FrozenProcess))
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, _ []string) error {
		f.named = flags.Changed("server")
		f.row.Frozen = bench.Frozen(frozen)
		switch mode {
		case modeTable:
			return benchTable(ctx, a, c, &f)
		case bench.WorkPush, bench.WorkIdle:
		case bench.WorkFreeze, bench.WorkFreezeMemory:
			if f.row.Config.Rate == 0 {
				const low = 34
				f.row.Config.Rate = low
			}
		default:
			return cli.Usagef("--mode %q: choose push, idle, freeze, freeze-memory or table", mode)
		}
		f.row.Work = mode
		return benchRow(ctx, a, c, &f)
	})
}

func benchStormCommand(a *cli.App) *cobra.Command {
	f := feedsBench{row: bench.Row{Work: bench.WorkStorm}}
	command := &cobra.Command{
		Use: "storm", Short: "Measure all clients returning at once",
		Long: `Attaches clients to a venue, cuts all their connections at once, announces events while
they are away, and lets all come back at once, each resuming after what it received last.
Measures until every client has every event.

A venue that is named by --server must be one to spare, as for "todoku bench push".`,
		Example: `  todoku bench storm
  todoku bench storm --streams 1000 --missed 100 --json`,
		Args: cobra.NoArgs,
	}
	const standard = 5000
	f.define(command, standard)
	command.Flags().IntVar(&f.row.Missed, "missed", 20, "events that all miss")
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, _ []string) error {
		f.named = command.Flags().Changed("server")
		return benchRow(ctx, a, c, &f)
	})
}

// benchRow measures one row and prints it, the yardstick's before the venue's.
func benchRow(ctx context.Context, a *cli.App, c *session.Connection, f *feedsBench) error {
	beside, venue, err := measureRow(ctx, a, c, f, f.row)
	if err != nil {
		return err
	}
	if beside == nil {
		return sayBench(a, venue, f.asJSON)
	}
	if f.asJSON {
		err = a.PrintValue(beside)
	} else {
		// What the yardstick loses is no defect of the venue's.
		err = errors.Join(beside.WriteTable(a.Out), a.Printf("\n"))
	}
	if err != nil {
		return err
	}
	return sayBench(a, venue, f.asJSON)
}

// measureRow measures a row as often as wanted; beside is nil without a yardstick.
func measureRow(ctx context.Context, a *cli.App, c *session.Connection, f *feedsBench, row bench.Row) (beside, venue *bench.PushResult, err error) {
	var all, others []bench.PushResult
	for range max(f.repeat, 1) {
		if f.yardstick {
			r, err := onYardstick(ctx, a, f, row)
			if err != nil {
				return nil, nil, fmt.Errorf("yardstick: %w", err)
			}
			others = append(others, r)
		}
		err := onVenue(ctx, a, c, f.named, &f.at, func(on benchTarget) error {
			r, err := runRow(ctx, on, row)
			r.Server = serverVenue
			all = append(all, r)
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	result := bench.Median(all)
	if len(others) > 0 {
		other := bench.Median(others)
		beside = &other
	}
	return beside, &result, nil
}

func onYardstick(ctx context.Context, a *cli.App, f *feedsBench, row bench.Row) (result bench.PushResult, err error) {
	binary, err := f.at.executable()
	if err != nil {
		return result, err
	}
	// Long enough for its queues to fill: then everybody stops.
	const span = 30 * time.Second
	row.Span = span
	own, err := bench.StartYardstick(ctx, binary)
	err = onProcess(own, err, func(on benchTarget) (err error) {
		on.own = nil // It could be started anew, but would know nobody any more.
		result, err = runRow(ctx, on, row)
		result.Server = serverYardstick
		return err
	})
	return result, err
}

// runRow does a row's work on a server.
func runRow(ctx context.Context, on benchTarget, row bench.Row) (bench.PushResult, error) {
	users, err := bench.PrepareUsers(ctx, on.venue, on.admin, row.Users())
	if err != nil {
		return bench.PushResult{}, err
	}
	if row.Config.Self, err = os.Executable(); err != nil {
		return bench.PushResult{}, fmt.Errorf("this program's own file: %w", err)
	}
	row.Config.Venue, row.Config.Admin, row.Config.Users, row.Config.ServerPID = on.venue, on.admin, users, on.pid
	var restart func(context.Context) (int, error)
	if on.own != nil {
		restart = func(ctx context.Context) (int, error) {
			if row.Work == bench.WorkFreezeMemory {
				on.own.Environment = bench.LittleGarbage()
			}
			err := on.own.Restart(ctx)
			return on.own.PID, err
		}
	}
	result, err := row.Run(ctx, restart)
	if errors.Is(err, bench.ErrConfig) {
		err = cli.WrongUsage(err)
	}
	return result, err
}

// benchStandInCommand is a client in a process of its own; only the benchmarks call it.
func benchStandInCommand(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use: "stand-in", Short: "Be a client that a benchmark freezes", Hidden: true,
		Long:    "Attaches as standard input says and writes what arrives to standard output.",
		Example: "  todoku bench stand-in",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return bench.StandIn(command.Context(), command.InOrStdin(), a.Out)
		},
	}
}

// benchYardstickCommand serves the yardstick; only the benchmarks call it.
func benchYardstickCommand(a *cli.App) *cobra.Command {
	var address string
	command := &cobra.Command{
		Use: "yardstick-server", Short: "Serve the yardstick", Hidden: true,
		Long:    "Serves the server of the usual kind that --yardstick measures, until it is told to stop.",
		Example: "  todoku bench yardstick-server --grpc-addr 127.0.0.1:7444",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			listener, err := (&net.ListenConfig{}).Listen(command.Context(), "tcp", address)
			if err != nil {
				return fmt.Errorf("yardstick: %w", err)
			}
			return yardstick.Serve(command.Context(), listener)
		},
	}
	command.Flags().StringVar(&address, "grpc-addr", "127.0.0.1:0", "host:port to serve on")
	return command
}
