// Package bench has the commands that put a venue under load and measure it.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"todoku/bench"
	"todoku/client"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
)

func Command(a *cli.App) *cobra.Command {
	return a.Group("bench", "Put a venue under load and measure it",
		`Puts a venue under load from a process of its own and says what it stood. Without
--server it starts a fresh venue on this machine, with this binary or --binary, on
free ports and a directory that goes away with it.`,
		benchOrdersCommand(a), benchPushCommand(a), benchStormCommand(a), benchStandInCommand(a), benchYardstickCommand(a))
}

// benchVenue says which venue is measured.
type benchVenue struct {
	binary, data string
	serve        []string
	pid          int
}

func (at *benchVenue) define(flags *pflag.FlagSet) {
	flags.StringVar(&at.binary, "binary", "", "binary that serves; this one when empty")
	flags.StringVar(&at.data, "data-parent", "", "directory to put the venue's data in, on the disk to measure; the system's for temporary files when empty")
	flags.StringArrayVar(&at.serve, "serve-flag", nil, "flag for the venue that is started, such as --serve-flag=--snapshot-every=1000000; can be repeated")
	flags.IntVar(&at.pid, "server-pid", 0, "process of the venue named by --server, to measure its CPU")
}

// Ways to measure orders.
const (
	modeAnswer = "answer"
	modeReport = "report"
)

func benchOrdersCommand(a *cli.App) *cobra.Command {
	var at benchVenue
	var load bench.OrdersConfig
	var mode, sender string
	var users int
	var asJSON bool
	command := &cobra.Command{
		Use: "orders", Short: "Measure durable orders through gRPC",
		Long: `Sends orders through gRPC, every one of them on the venue's disk before it is answered.
Half of them rest within ten ticks of the middle, the other half trade with those.
Afterwards everything that was acknowledged is looked up: nothing may be lost or doubled.

--mode answer measures to the reply; --mode report to the execution report on the same
user's stream, with every user a client of its own. Without --rate as many orders are
sent as go. With it they are due at fixed times, and latency counts from then.

A venue that is named by --server must be one to spare: the benchmark makes an instrument
BENCH and users bench-1, bench-2, … there, as the administrator TODOKU_USER with
TODOKU_PASSWORD.`,
		Example: `  todoku bench orders --client light
  todoku bench orders --client light --batch 100 --in-flight 4 --json
  todoku bench orders --mode report --rate 1000 --users 100`,
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.StringVar(&mode, "mode", modeAnswer, "answer: to the reply; report: to the execution report")
	flags.StringVar(&sender, "client", string(bench.GRPC), "grpc: grpc-go as programs use it; light: frames written and read by hand")
	flags.IntVar(&load.Connections, "connections", 4, "TCP connections that send")
	flags.IntVar(&load.InFlight, "in-flight", 64, "requests without an answer on each connection")
	flags.IntVar(&load.Batch, "batch", 1, "orders in a request; more than 1 is PlaceOrders")
	flags.IntVar(&load.Rate, "rate", 0, "orders a second in all; 0 for as many as go, 1000 in mode report")
	flags.IntVar(&users, "users", 0, "users who trade, an even number; 8, or 100 in mode report")
	flags.DurationVar(&load.Warmup, "warmup", time.Second, "time before anything is measured")
	flags.DurationVar(&load.Duration, "duration", 10*time.Second, "time that is measured")
	flags.BoolVar(&load.NoCheck, "no-check", false, "leave out looking everything up afterwards")
	at.define(flags)
	cli.AddJSON(command, &asJSON)
	cli.OneOf(command, "mode", modeAnswer, modeReport)
	cli.OneOf(command, "client", string(bench.GRPC), string(bench.Light))
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, _ []string) error {
		if mode != modeAnswer && mode != modeReport {
			return cli.Usagef("--mode %q: choose %s or %s", mode, modeAnswer, modeReport)
		}
		load.Client = bench.Client(sender)
		if users == 0 {
			const few, many = 8, 100
			if users = few; mode == modeReport {
				users = many
			}
		}
		named := command.Flags().Changed("server")
		return onVenue(ctx, a, c, named, &at, func(on benchTarget) error {
			market, err := bench.Prepare(ctx, on.venue, on.admin, users)
			if err != nil {
				return err
			}
			var result bench.Result
			load.Venue, load.Market, load.ServerPID = on.venue, market, on.pid
			if mode == modeReport {
				result, err = bench.Reports(ctx, bench.ReportsConfig{
					Venue: on.venue, Market: market, Rate: load.Rate, Warmup: load.Warmup, Duration: load.Duration, ServerPID: on.pid,
				})
			} else {
				result, err = bench.Orders(ctx, load)
			}
			if errors.Is(err, bench.ErrConfig) {
				return cli.WrongUsage(err)
			}
			if err != nil {
				return err
			}
			return sayBench(a, &result, asJSON)
		})
	})
}

// benchTarget is a server that is measured.
type benchTarget struct {
	venue client.Config
	admin bench.Credentials
	pid   int
	own   *bench.Process // nil for one that was named
}

// onVenue measures the venue that is named, or one of its own.
func onVenue(ctx context.Context, a *cli.App, c *session.Connection, named bool, at *benchVenue, measure func(benchTarget) error) (err error) {
	if !named {
		own, err := startBenchVenue(ctx, a, at)
		return onProcess(own, err, measure)
	}
	tls, err := c.Tls()
	if err != nil {
		return err
	}
	return measure(benchTarget{
		venue: client.Config{Address: c.Server, TLS: tls, Plaintext: c.Plaintext},
		admin: bench.Credentials{User: c.User, Password: session.Password(a)}, pid: at.pid,
	})
}

// onProcess measures a server that was started for that, and stops it.
func onProcess(own *bench.Process, err error, measure func(benchTarget) error) error {
	if err != nil {
		return err
	}
	err = measure(benchTarget{venue: own.Venue, admin: own.Admin, pid: own.PID, own: own})
	return errors.Join(err, own.Stop())
}

func startBenchVenue(ctx context.Context, a *cli.App, at *benchVenue) (*bench.Process, error) {
	binary, err := at.executable()
	if err != nil {
		return nil, err
	}
	return bench.StartProcess(ctx, binary, at.data, at.serve...)
}

// executable is the binary that serves.
func (at *benchVenue) executable() (string, error) {
	if at.binary != "" {
		return at.binary, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("name the binary that serves with --binary: %w", err)
	}
	return self, nil
}

// benchResult is what a benchmark measured.
type benchResult interface {
	WriteTable(out io.Writer) error
	// Good says whether it shows no defect.
	Good() bool
}

// sayBench prints a result and refuses one that shows a defect.
func sayBench(a *cli.App, result benchResult, asJSON bool) error {
	var err error
	if asJSON {
		err = a.PrintValue(result)
	} else {
		err = result.WriteTable(a.Out)
	}
	if err == nil && !result.Good() {
		a.Warn("something was lost, doubled, out of order or left without an answer")
		return cli.ErrRefused
	}
	return err
}
