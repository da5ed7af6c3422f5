// Package doctor has the command that examines the path between this machine and a venue.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
	"todoku/doctor"
)

func Command(a *cli.App) *cobra.Command {
	var minutes float64
	var asJSON bool
	command := &cobra.Command{
		Use: "doctor [ADDR]", Short: "Examine what stands between this client and a venue",
		Long: `Examines the path to a venue: its name and addresses, TLS, HTTP/2, round trips, whether
something nearer than the venue answers PINGs, how often PINGs may come, after what
silence streams are cut and how, and whether the feed lives through it and resumes.
It ends with a verdict and the settings that fit.

ADDR is the host:port of the gRPC port, --server's when left out. Streams are watched
for --minutes: timers that are longer are not found. Somebody has to be signed in for
the feed to be examined; the rest goes without. At most 20 connections are open at once.

The exit code is 0 when the feed works over this path, 1 when it does not, and 3 when
the venue could not be reached.`,
		Example: `  todoku doctor venue.example:7443
  TODOKU_USER=alice TODOKU_PASSWORD=demo todoku doctor 127.0.0.1:7443 --minutes 10 --json`,
		Args: cobra.MaximumNArgs(1),
	}
	command.Flags().Float64Var(&minutes, "minutes", 2, "how long to watch streams, up to a day; a part of one too")
	cli.AddJSON(command, &asJSON)
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, args []string) error {
		if len(args) == 1 {
			c.Server = args[0]
			if err := c.Validate(); err != nil {
				return err
			}
		}
		const day = 24 * 60
		if !(minutes > 0 && minutes <= day) { // Written so that it is false for what is no number.
			return cli.Usagef("--minutes %g is not between 0 and %d", minutes, day)
		}
		return examine(ctx, a, c, time.Duration(minutes*float64(time.Minute)), asJSON)
	})
}

// examine examines a path and prints the report. What a person waits for is said
// on standard error.
func examine(ctx context.Context, a *cli.App, c *session.Connection, duration time.Duration, asJSON bool) (err error) {
	tls, err := c.Tls()
	if err != nil {
		return err
	}
	keeper, err := session.NewKeeper(a, c)
	if err != nil {
		return err
	}
	dialed, err := session.Dial(a, c, keeper, &session.Settler{}) // It changes nothing.
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dialed.Close()) }()
	report, err := doctor.Examine(ctx, doctor.Config{
		Address: c.Server, TLS: tls, Plaintext: c.Plaintext, Duration: duration,
		SignIn: func(ctx context.Context) (*client.Client, error) {
			err := keeper.Begin(ctx)
			if err != nil && !keeper.CanSignIn() {
				return nil, fmt.Errorf("%w: %w", doctor.ErrNoSession, err)
			}
			return dialed, err
		},
		Progress: func(line string) { a.Say("%s %s\n", a.Now().Format(time.TimeOnly), cli.OneLine(line)) },
	})
	if errors.Is(err, doctor.ErrConfig) {
		return cli.WrongUsage(err)
	}
	if report == nil {
		return err
	}
	if err := sayReport(a, report, asJSON); err != nil {
		return err
	}
	switch {
	case errors.Is(err, doctor.ErrUnreachable):
		return status.Error(codes.Unavailable, err.Error())
	case err != nil:
		return err
	case !report.Verdict.Good():
		return cli.ErrRefused
	}
	return nil
}

func sayReport(a *cli.App, report *doctor.Report, asJSON bool) error {
	if asJSON {
		return a.PrintValue(report)
	}
	return report.WriteText(a.Out)
}
