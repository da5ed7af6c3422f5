// Package serve has the command that runs a venue, and the settings of a server.
package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"todoku/client"
	"todoku/cmd/todoku/cli"
	"todoku/demo"
	"todoku/server"
)

// Command runs a venue.
func Command(a *cli.App) *cobra.Command {
	var o Options
	command := &cobra.Command{
		Use: "serve", Short: "Run a venue",
		Long: `Runs a venue over a data directory until it is interrupted. The first SIGTERM or
interrupt drains: streams are asked to reconnect, calls finish. A second one stops at
once.

An address that other machines can reach needs TLS, or --insecure. The first
administrator is created on this machine before the first start:

  todoku user add chief --role ADMIN --data ./data`,
		Example: `  todoku serve --demo
  todoku serve --data /var/lib/todoku --grpc-addr :7443 --tls-cert venue.pem --tls-key venue.key
  todoku serve --config /etc/todoku.yaml`,
		Args: cobra.NoArgs,
	}
	Define(command, &o)
	command.RunE = func(command *cobra.Command, _ []string) error {
		if err := o.Complete(command.Flags()); err != nil {
			return err
		}
		return serve(command.Context(), a, &o)
	}
	return command
}

// serve runs a venue until ctx ends or it fails.
func serve(ctx context.Context, a *cli.App, o *Options) (err error) {
	if o.Config.Logger, err = logger(a, o.logFormat, o.logLevel); err != nil {
		return err
	}
	defer collectGarbage()()
	var passwords map[string]string
	if o.demo {
		if passwords, err = prepareDemo(ctx, o.Config.Data); err != nil {
			return err
		}
	}
	provider, endTraces, err := traces(ctx, a, &o.traces, o.Config.Logger)
	if err != nil {
		return err
	}
	defer endTraces()
	if provider != nil {
		o.Config.Tracing = provider
	}
	venue, err := server.New(ctx, o.Config)
	if errors.Is(err, server.ErrConfig) {
		return cli.WrongUsage(err)
	}
	if err != nil {
		return err
	}
	defer stopAtSecondSignal(venue)()
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return venue.Run(running) })
	if o.demo {
		address := reachable(venue.GRPCAddr())
		if err := printWelcome(a, address, venue.HTTPAddr().String()); err != nil {
			return err
		}
		group.Go(func() error {
			return demo.Run(running, demo.Config{
				Venue:     client.Config{Address: address, Plaintext: true, ClientName: "demo traders"},
				Passwords: passwords, Seed: o.demoSeed, Logger: o.Config.Logger,
			})
		})
	}
	return group.Wait()
}

// stopAtSecondSignal cuts the drain short that the first signal began. The
// returned function ends it.
func stopAtSecondSignal(venue *server.Server) (end func()) {
	const both = 2 // A signal that nobody waits for is lost.
	signals := make(chan os.Signal, both)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	over := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range both {
			select {
			case <-signals:
			case <-over:
				return
			}
		}
		venue.Stop()
	}()
	return func() {
		signal.Stop(signals)
		close(over)
		<-done
	}
}

// logger writes one line per fact to standard error.
func logger(a *cli.App, format, level string) (*slog.Logger, error) {
	var options slog.HandlerOptions
	var from slog.Level
	if err := from.UnmarshalText([]byte(level)); err != nil {
		return nil, err // The flag takes the names of levels only.
	}
	options.Level = from
	if format == "text" || format == "auto" && cli.IsTerminal(a.Errors) {
		return slog.New(slog.NewTextHandler(a.Errors, &options)), nil
	}
	return slog.New(slog.NewJSONHandler(a.Errors, &options)), nil
}

// reachable returns an address to connect to where addr may be one to listen on.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Port}).String()
	}
	return addr.String()
}
