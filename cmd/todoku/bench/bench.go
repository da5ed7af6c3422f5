// Package bench has the commands that put a venue under load and measure it.
package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"todoku/bench"
	"todoku/bench/yardstick"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
)

// Command is the group of the benchmarks.
func Command(s *session.Session) *cobra.Command {
	return s.Group("bench", "Put a venue under load and measure it",
		`Puts a venue under load from a process of its own and prints what it measured. Without
--server it starts a fresh venue on this machine, with this binary or --binary, on
free ports and a directory that is deleted afterwards.`,
		ordersCommand(s), pushCommand(s), stormCommand(s), standInCommand(s.App), yardstickCommand())
}

// benchmark is what all benchmarks have in common: which venue is measured.
type benchmark struct {
	*session.Session
	binary, data string
	serve        []string
	pid          int
	named        bool // the venue, by --server
}

// command gives a command the flags of all benchmarks and runs it.
func (b *benchmark) command(command *cobra.Command, run func(context.Context) error) *cobra.Command {
	flags := command.Flags()
	flags.StringVar(&b.binary, "binary", "", "binary that serves; this one when empty")
	flags.StringVar(&b.data, "data-parent", "", "directory to put the venue's data in, on the disk to measure; the system's for temporary files when empty")
	flags.StringArrayVar(&b.serve, "serve-flag", nil, "flag for the venue that is started, such as --serve-flag=--snapshot-every=1000000; can be repeated")
	flags.IntVar(&b.pid, "server-pid", 0, "process of the venue named by --server, to measure its CPU")
	b.JSONFlag(command)
	return b.Command(command, func(ctx context.Context, _ []string) error {
		b.named = flags.Changed("server")
		err := run(ctx)
		if errors.Is(err, bench.ErrConfig) {
			return cli.WrongUsage(err)
		}
		return err
	})
}

// onVenue measures the venue that is named, or one of its own.
func (b *benchmark) onVenue(ctx context.Context, measure func(bench.Target) error) error {
	if !b.named {
		binary, err := b.executable()
		if err != nil {
			return err
		}
		own, err := bench.StartProcess(ctx, binary, b.data, b.serve...)
		return onProcess(own, err, measure)
	}
	venue, err := b.Config()
	if err != nil {
		return err
	}
	return measure(bench.NamedVenue(venue, bench.Credentials{User: b.User, Password: b.Password()}, b.pid))
}

// onProcess measures a server that was started for that, and stops it.
func onProcess(own *bench.Process, err error, measure func(bench.Target) error) error {
	if err != nil {
		return err
	}
	return errors.Join(measure(own.Target), own.Stop())
}

// executable is the binary that serves.
func (b *benchmark) executable() (string, error) {
	if b.binary != "" {
		return b.binary, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("this program's own file is unknown; name the binary that serves with --binary: %w", err)
	}
	return self, nil
}

// print prints a result, unless err is set, and fails for one that shows a defect.
func (b *benchmark) print(r *bench.Result, err error) error {
	switch {
	case err != nil:
	case b.JSON:
		err = b.PrintValue(r)
	default:
		err = r.WriteTable(b.Out)
	}
	if err == nil && !r.Good() {
		b.Warn("something was lost, doubled, out of order or left without an answer")
		return cli.ErrRefused
	}
	return err
}

// standInCommand is a client in a process of its own; only the benchmarks call it.
func standInCommand(a *cli.App) *cobra.Command {
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

// yardstickCommand serves the yardstick; only the benchmarks call it.
func yardstickCommand() *cobra.Command {
	var address string
	command := &cobra.Command{
		Use: "yardstick-server", Short: "Serve the yardstick", Hidden: true,
		Long:    "Serves the server of the usual kind that --yardstick measures, until it is interrupted.",
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
