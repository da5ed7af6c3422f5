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

func Command(a *cli.App) *cobra.Command {
	var o ServeOptions
	command := &cobra.Command{
		Use: "serve", Short: "Run a venue",
		Long: `Runs a venue over a data directory until it is told to stop. The first SIGTERM or
interrupt drains: streams are told to move, calls finish. A second one stops at once.

An address that other machines can reach needs TLS, or --insecure. The first
administrator is made on this machine before the first start:

  todoku user add chief --role ADMIN --data ./data`,
		Example: `  todoku serve --demo
  todoku serve --data /var/lib/todoku --grpc-addr :7443 --tls-cert venue.pem --tls-key venue.key
  todoku serve --config /etc/todoku.yaml`,
		Args: cobra.NoArgs,
	}
	DefineServe(command, &o)
	command.RunE = func(command *cobra.Command, _ []string) error {
		if err := o.Complete(command.Flags()); err != nil {
			return err
		}
		return serve(command.Context(), a, &o)
	}
	return command
}

// serve runs a venue until ctx ends or it fails.
func serve(ctx context.Context, a *cli.App, o *ServeOptions) error {
	level, err := o.level()
	if err != nil {
		return err
	}
	o.Config.Logger = logger(a, o.logFormat, level)
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
		if err := sayDemo(a, address, venue.HTTPAddr().String()); err != nil {
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

// logger writes one line a fact to standard error.
func logger(a *cli.App, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "text" || format == "auto" && cli.IsTerminal(a.Errors) {
		return slog.New(slog.NewTextHandler(a.Errors, options))
	}
	return slog.New(slog.NewJSONHandler(a.Errors, options))
}

// reachable returns an address to connect to where addr may be one to listen on.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Port}).String()
	}
	return addr.String()
}
