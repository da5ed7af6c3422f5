package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"todoku/bench"
	"todoku/client"
)

func (a *app) benchCommand() *cobra.Command {
	return a.group("bench", "Put a venue under load and measure it",
		`Puts a venue under load from a process of its own and says what it stood. Without
--server it starts a fresh venue on this machine, with this binary or --binary, on
free ports and a directory that goes away with it.`,
		a.benchOrdersCommand())
}

// benchVenue says which venue is measured.
type benchVenue struct {
	binary, data string
	serve        []string
	pid          int
}

// Ways to measure orders.
const (
	modeAnswer = "answer"
	modeReport = "report"
)

func (a *app) benchOrdersCommand() *cobra.Command {
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
	flags.StringVar(&at.binary, "binary", "", "binary that serves; this one when empty")
	flags.StringVar(&at.data, "data-parent", "", "directory to put the venue's data in, on the disk to measure; the system's for temporary files when empty")
	flags.StringArrayVar(&at.serve, "serve-flag", nil, "flag for the venue that is started, such as --serve-flag=--snapshot-every=1000000; can be repeated")
	flags.IntVar(&at.pid, "server-pid", 0, "process of the venue named by --server, to measure its CPU")
	addJSON(command, &asJSON)
	oneOf(command, "mode", modeAnswer, modeReport)
	oneOf(command, "client", string(bench.GRPC), string(bench.Light))
	return a.clientCommand(command, func(ctx context.Context, c *connection, _ []string) error {
		if mode != modeAnswer && mode != modeReport {
			return usagef("--mode %q: choose %s or %s", mode, modeAnswer, modeReport)
		}
		load.Client = bench.Client(sender)
		if users == 0 {
			const few, many = 8, 100
			if users = few; mode == modeReport {
				users = many
			}
		}
		named := command.Flags().Changed("server")
		return a.onVenue(ctx, c, named, &at, users, func(venue client.Config, market bench.Market, pid int) (err error) {
			var result bench.Result
			load.Venue, load.Market, load.ServerPID = venue, market, pid
			if mode == modeReport {
				result, err = bench.Reports(ctx, bench.ReportsConfig{
					Venue: venue, Market: market, Rate: load.Rate, Warmup: load.Warmup, Duration: load.Duration, ServerPID: pid,
				})
			} else {
				result, err = bench.Orders(ctx, load)
			}
			if errors.Is(err, bench.ErrConfig) {
				return &usageError{err}
			}
			if err != nil {
				return err
			}
			return a.sayBench(&result, asJSON)
		})
	})
}

// onVenue prepares the venue that is named, or one of its own, and measures it.
func (a *app) onVenue(ctx context.Context, c *connection, named bool, at *benchVenue, users int, measure func(client.Config, bench.Market, int) error) (err error) {
	tls, err := c.tls()
	if err != nil {
		return err
	}
	venue := client.Config{Address: c.server, TLS: tls, Plaintext: c.plaintext}
	admin, pid := bench.Credentials{User: c.user, Password: a.password()}, at.pid
	if !named {
		own, err := a.startBenchVenue(ctx, at)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, own.Stop()) }()
		venue, admin, pid = own.Venue, own.Admin, own.PID
	}
	market, err := bench.Prepare(ctx, venue, admin, users)
	if err != nil {
		return err
	}
	return measure(venue, market, pid)
}

func (a *app) startBenchVenue(ctx context.Context, at *benchVenue) (*bench.Process, error) {
	binary := at.binary
	if binary == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("name the binary that serves with --binary: %w", err)
		}
		binary = self
	}
	return bench.StartProcess(ctx, binary, at.data, at.serve...)
}

// sayBench prints a result and refuses one that shows a defect.
func (a *app) sayBench(result *bench.Result, asJSON bool) error {
	var err error
	if asJSON {
		err = a.printValue(result)
	} else {
		err = result.WriteTable(a.out)
	}
	if err == nil && !result.Good() {
		a.warn("orders were lost, doubled or left without an answer")
		return errRefused
	}
	return err
}
