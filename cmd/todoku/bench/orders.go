package bench

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"todoku/bench"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
)

// Ways to measure orders.
const (
	modeAnswer = "answer"
	modeReport = "report"
)

func ordersCommand(s *session.Session) *cobra.Command {
	b := &benchmark{Session: s}
	var load bench.OrdersConfig
	var mode string
	var users int
	command := &cobra.Command{
		Use: "orders", Short: "Measure durable orders through gRPC",
		Long: `Sends orders through gRPC, every one of them on the venue's disk before it is answered.
Half of them rest within ten ticks of the middle, the other half trade with those.
Afterwards every acknowledged order is looked up: none may be lost or doubled.

--mode answer measures to the reply; --mode report to the execution report on the same
user's stream, with every user a client of its own. Without --rate as many orders are
sent as possible. With it they are due at fixed times, and latency counts from then.

A venue that is named by --server must be for testing only: the benchmark makes an instrument
BENCH and users bench-1, bench-2, … there, as the administrator TODOKU_USER with
TODOKU_PASSWORD.`,
		Example: `  todoku bench orders --client light
  todoku bench orders --client light --batch 100 --in-flight 4 --json
  todoku bench orders --mode report --rate 1000 --users 100`,
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	cli.ChoiceFlag(command, &mode, "mode", modeAnswer, "answer: to the reply; report: to the execution report", modeAnswer, modeReport)
	cli.ChoiceFlag(command, &load.Client, "client", bench.GRPC, "grpc: grpc-go as programs use it; light: frames written and read by hand", bench.GRPC, bench.Light)
	flags.IntVar(&load.Connections, "connections", 4, "TCP connections that send")
	flags.IntVar(&load.InFlight, "in-flight", 64, "requests without an answer on each connection")
	flags.IntVar(&load.Batch, "batch", 1, "orders in a request; more than 1 is PlaceOrders")
	flags.IntVar(&load.Rate, "rate", 0, "orders a second in all; 0 for as many as possible, 1000 in mode report")
	flags.IntVar(&users, "users", 0, "users who trade, an even number; 8, or 100 in mode report")
	flags.DurationVar(&load.Warmup, "warmup", time.Second, "time before anything is measured")
	flags.DurationVar(&load.Duration, "duration", 10*time.Second, "time that is measured")
	flags.BoolVar(&load.NoCheck, "no-check", false, "leave out looking everything up afterwards")
	return b.command(command, func(ctx context.Context) error {
		measure, standard := bench.Orders, 8
		if mode == modeReport {
			measure, standard = bench.Reports, 100
		}
		return b.onVenue(ctx, func(on bench.Target) (err error) {
			if load.Market, err = bench.Prepare(ctx, on, cmp.Or(users, standard)); err != nil {
				return err
			}
			load.Target = on
			result, err := measure(ctx, load)
			return b.print(&result, err)
		})
	})
}
