package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"todoku/bench"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
)

const modeTable = "table"

// feedsBenchmark is what the benchmarks of feeds have in common.
type feedsBenchmark struct {
	benchmark
	load      bench.PushConfig
	yardstick bool
	repeat    int
}

// command gives a command the flags of feeds and runs it.
func (f *feedsBenchmark) command(command *cobra.Command, streams int, run func(context.Context) error) *cobra.Command {
	flags := command.Flags()
	flags.IntVar(&f.load.Streams, "streams", streams, "clients that are attached")
	flags.IntVar(&f.load.Connections, "connections", 0, "TCP connections that they share; one for each when 0")
	flags.IntVar(&f.load.Payload, "payload", 200, "bytes of an event's text, 40 to 1000")
	flags.IntVar(&f.repeat, "repeat", 1, "how many times to measure; the median is shown; with --yardstick, by turns")
	flags.BoolVar(&f.yardstick, "yardstick", false, "measure a server of the usual kind first: a channel and a goroutine for each client")
	return f.benchmark.command(command, run)
}

func pushCommand(s *session.Session) *cobra.Command {
	f := &feedsBenchmark{benchmark: benchmark{Session: s}}
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
stream or --span is over. Measures what the others notice and how it comes back.
--mode freeze-memory: what that client costs the server in resident memory. In each of
--rounds another client stops reading until the server ends its stream; then as much
time passes without such a client, and the difference is the cost. The server is
started anew with GOGC=5, unless GOGC is set, so that garbage does not hide it.
--mode table: all of them and a storm, as published, each on a fresh server; about four
minutes, and twice that with --yardstick.

With fewer than about twenty streams the latency of a single command bounds the rate: then
use --burst. A venue that is named by --server must be for testing only: the benchmark
makes users bench-1, bench-2, … there, as the administrator TODOKU_USER with
TODOKU_PASSWORD.`,
		Example: `  todoku bench push --yardstick
  todoku bench push --rate 200 --duration 30s --json
  todoku bench push --burst 16
  todoku bench push --mode idle --streams 10000
  todoku bench push --mode freeze-memory --freeze application --duration 60s`,
		Args: cobra.NoArgs,
	}
	flags, load := command.Flags(), &f.load
	cli.ChoiceFlag(command, &load.Work, "mode", bench.WorkPush, "push, idle, freeze, freeze-memory or table",
		bench.WorkPush, bench.WorkIdle, bench.WorkFreeze, bench.WorkFreezeMemory, modeTable)
	flags.IntVar(&load.Rate, "rate", 0, "events a second; 0 for as many as possible, 34 in the modes freeze and freeze-memory")
	flags.IntVar(&load.Burst, "burst", 1, "events announced at once")
	flags.IntVar(&load.InFlight, "in-flight", 0, "without a rate: bursts that have not arrived everywhere; 8 for single events, 2 otherwise when 0")
	flags.DurationVar(&load.Warmup, "warmup", time.Second, "time before anything is measured")
	flags.DurationVar(&load.Duration, "duration", 10*time.Second, "time that is measured")
	cli.ChoiceFlag(command, &load.Frozen, "freeze", bench.FrozenWindow,
		"window: the client reads and never lets more come; socket: it does not read; application: a program that does not take what arrives; process: one that is stopped",
		bench.FrozenWindow, bench.FrozenSocket, bench.FrozenApplication, bench.FrozenProcess)
	flags.DurationVar(&load.Span, "span", time.Minute, "how long a client stays frozen if its stream is not ended; 30s on the yardstick, which never does")
	flags.IntVar(&load.Rounds, "rounds", 5, "clients that freeze one after the other in mode freeze-memory")
	return f.command(command, 0, func(ctx context.Context) error {
		switch load.Work {
		case modeTable:
			return f.table(ctx)
		case bench.WorkFreeze, bench.WorkFreezeMemory:
			if load.Rate == 0 {
				const low = 34
				load.Rate = low
			}
		}
		return f.measure(ctx)
	})
}

func stormCommand(s *session.Session) *cobra.Command {
	f := &feedsBenchmark{benchmark: benchmark{Session: s}, load: bench.PushConfig{Work: bench.WorkStorm}}
	command := &cobra.Command{
		Use: "storm", Short: "Measure all clients returning at once",
		Long: `Attaches clients to a venue, cuts all their connections at once, announces events while
they are away, and lets all come back at once, each resuming after what it received last.
Measures until every client has every event.

A venue that is named by --server must be for testing only, as for "todoku bench push".`,
		Example: `  todoku bench storm
  todoku bench storm --streams 1000 --missed 100 --json`,
		Args: cobra.NoArgs,
	}
	command.Flags().IntVar(&f.load.Missed, "missed", 20, "events that all miss")
	const standard = 5000
	return f.command(command, standard, f.measure)
}

// measure measures one row and prints it, the yardstick's before the venue's.
func (f *feedsBenchmark) measure(ctx context.Context) error {
	results, err := f.measureRow(ctx, f.load)
	if err != nil {
		return err
	}
	venue := results[len(results)-1]
	if len(results) > 1 {
		// What the yardstick loses is not a defect of the venue.
		if f.JSON {
			err = f.PrintValue(&results[0])
		} else {
			err = errors.Join(results[0].WriteTable(f.Out), f.Printf("\n"))
		}
	}
	return f.print(&venue, err)
}

// measureRow measures a row as often as wanted, by turns on each server, and returns
// the yardstick's median, if there is a yardstick, and the venue's.
func (f *feedsBenchmark) measureRow(ctx context.Context, row bench.PushConfig) ([]bench.Result, error) {
	var all, others []bench.Result
	push := func(results *[]bench.Result) func(bench.Target) error {
		return func(on bench.Target) error {
			row.Target = on
			r, err := bench.Push(ctx, row)
			*results = append(*results, r)
			return err
		}
	}
	span := row.Span
	for range max(f.repeat, 1) {
		if f.yardstick {
			binary, err := f.executable()
			if err != nil {
				return nil, err
			}
			row.Span = yardstickSpan
			own, err := bench.StartYardstick(ctx, binary)
			if err := onProcess(own, err, push(&others)); err != nil {
				return nil, fmt.Errorf("yardstick: %w", err)
			}
		}
		row.Span = span
		if err := f.onVenue(ctx, push(&all)); err != nil {
			return nil, err
		}
	}
	if f.yardstick {
		return []bench.Result{bench.Median(others), bench.Median(all)}, nil
	}
	return []bench.Result{bench.Median(all)}, nil
}

// yardstickSpan is long enough for the yardstick's queues to fill. Then all its clients
// stop.
const yardstickSpan = 30 * time.Second
