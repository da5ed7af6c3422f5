// Package serve has the command that runs a venue, and the settings of a server.
package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
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
once. SIGHUP reads the certificates again, as a change of their files does; if the
terminal of the venue was closed, SIGHUP drains too.

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
		ctx := command.Context()
		signals := make(chan os.Signal, 1) // From the start, so that no SIGHUP ends the process.
		signal.Notify(signals, syscall.SIGHUP)
		defer signal.Stop(signals)
		hangups := hangups{signals, cli.IsTerminal(a.In)}
		venue, passwords, end, err := start(ctx, a, &o)
		defer end()
		if err != nil && ctx.Err() != nil && o.Config.Logger != nil {
			// What a stop interrupts has not failed; the next start goes on from there.
			o.Config.Logger.InfoContext(ctx, "stopped before it served", slog.Any("error", err))
			return nil
		}
		if err != nil {
			return err
		}
		return run(ctx, a, &o, venue, passwords, hangups)
	}
	return command
}

// start opens a venue, and makes one first for a demo, whose traders have the passwords. The
// caller calls end, also after an error.
func start(ctx context.Context, a *cli.App, o *Options) (venue *server.Server, passwords map[string]string, end func(), err error) {
	end = func() {}
	if err := startLog(a, o); err != nil {
		return nil, nil, end, err
	}
	end = collectGarbage()
	if o.demo {
		if passwords, err = prepareDemo(ctx, o.Config.Data); err != nil {
			return nil, nil, end, err
		}
	}
	provider, endTraces, err := traces(ctx, a, &o.traces, o.Config.Logger)
	if err != nil {
		return nil, nil, end, err
	}
	endGarbage := end
	end = func() {
		endTraces()
		endGarbage()
	}
	if provider != nil {
		o.Config.Tracing = provider
	}
	venue, err = server.New(ctx, o.Config)
	return venue, passwords, end, cli.WrongUsageIf(err, server.ErrConfig)
}

// run serves until ctx ends.
func run(ctx context.Context, a *cli.App, o *Options, venue *server.Server, passwords map[string]string, hangups hangups) error {
	defer stopAtSecondSignal(venue)()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer hangups.each(func() {
		if hangups.terminal && !cli.IsTerminal(a.In) {
			stop() // The terminal from which the venue was started was closed.
			return
		}
		venue.ReloadCertificates()
	})()
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

// stopAtSecondSignal stops the venue at once at the second signal; the first one began a
// drain. The returned function ends the wait.
func stopAtSecondSignal(venue *server.Server) (end func()) {
	const both = 2 // A signal is lost if the channel has no room for it.
	signals := make(chan os.Signal, both)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return background(func(ctx context.Context) {
		defer signal.Stop(signals)
		for range both {
			select {
			case <-signals:
			case <-ctx.Done():
				return
			}
		}
		venue.Stop()
		<-ctx.Done() // A third signal changes nothing.
	})
}

// hangups are the SIGHUPs of a process.
type hangups struct {
	signals  <-chan os.Signal
	terminal bool // The process was started from a terminal.
}

// each calls f for each signal. The returned function ends that.
func (h hangups) each(f func()) (end func()) {
	return background(func(ctx context.Context) {
		for {
			select {
			case <-h.signals:
				f()
			case <-ctx.Done():
				return
			}
		}
	})
}

// background runs f in a goroutine. The returned function cancels f's context and waits
// for f.
func background(f func(context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// reachable returns an address at which clients of this machine reach a listener.
func reachable(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
	}
	return addr.String()
}
