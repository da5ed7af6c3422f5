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

// Command examines a path.
func Command(s *session.Session) *cobra.Command {
	var minutes float64
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
		PreRunE: func(*cobra.Command, []string) error {
			const day = 24 * 60
			if !(minutes > 0 && minutes <= day) { // This form also refuses NaN.
				return cli.Usagef("invalid --minutes %g: choose more than 0 and at most %d", minutes, day)
			}
			return nil
		},
	}
	command.Flags().Float64Var(&minutes, "minutes", 2, "how long to watch streams, up to a day; a fraction is possible")
	s.JSONFlag(command)
	return s.Command(command, func(ctx context.Context, args []string) error {
		if len(args) == 1 {
			if err := s.SetServer(args[0]); err != nil {
				return err
			}
		}
		return s.Dial(func(venue *session.Venue) error {
			return examine(ctx, s, venue, time.Duration(minutes*float64(time.Minute)))
		})
	})
}

// examine examines a path and prints the report, and its progress to standard error.
func examine(ctx context.Context, s *session.Session, venue *session.Venue, duration time.Duration) error {
	path, err := s.Config()
	if err != nil {
		return err
	}
	report, err := doctor.Examine(ctx, doctor.Config{
		Address: s.Server, TLS: path.TLS, Plaintext: path.Plaintext, Duration: duration,
		SignIn: func(ctx context.Context) (*client.Client, error) {
			err := venue.Begin(ctx)
			if err != nil && !venue.CanSignIn() {
				return nil, fmt.Errorf("%w: %w", doctor.ErrNoSession, err)
			}
			return venue.Client, err
		},
		Progress: func(line string) { s.Say("%s %s\n", s.Now().Format(time.TimeOnly), cli.OneLine(line)) },
	})
	if errors.Is(err, doctor.ErrConfig) {
		return cli.WrongUsage(err)
	}
	if report == nil {
		return err
	}
	show := s.PrintValue
	if !s.JSON {
		show = func(any) error { return report.WriteText(s.Out) }
	}
	if err := show(report); err != nil {
		return err
	}
	switch {
	case errors.Is(err, doctor.ErrUnreachable):
		return status.Error(codes.Unavailable, err.Error())
	case err == nil && !report.Verdict.Good():
		return cli.ErrRefused
	}
	return err
}
