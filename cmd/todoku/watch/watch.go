// Package watch has the command that prints a user's stream, and follows streams for
// other commands.
package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"todoku/client"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

// Command prints the stream.
func Command(s *session.Session) *cobra.Command {
	var options client.FeedOptions
	var resumeFile string
	command := &cobra.Command{
		Use: "watch", Short: "Print the stream of what concerns you, a line per message",
		Long: `Prints everything that the venue pushes to you, a line per message, until it is
interrupted. It reconnects by itself after cuts and restarts of the venue and prints
each event once. The state of the stream, and the reason for the end of each one, are
printed to standard error, with --json as JSON.

With --json a line is a message of the API. It has a "cursor" where it is safe to
resume: all lines up to there have been printed. --resume CURSOR continues after it;
--resume-file FILE keeps it in a file, so that a watch that is started again continues
where the last one stopped.`,
		Example: `  todoku watch
  todoku watch --instrument USDJPY --instrument EURUSD
  todoku watch --json --resume-file ~/todoku.cursor >> events.jsonl`,
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.StringVar(&options.ResumeAfter, "resume", "", "continue after this cursor")
	flags.StringVar(&resumeFile, "resume-file", "", "keep the cursor in this file, and continue after the one that it holds")
	flags.StringSliceVar(&options.Symbols, "instrument", nil, "the book and prints of this instrument too, or * for all; can be repeated")
	flags.BoolVar(&options.Presence, "presence", true, "who signs in and out")
	flags.BoolVar(&options.AllAccounts, "all-accounts", false, "orders and trades of every account; needs RISK or ADMIN")
	flags.DurationVar(&options.StateInterval, "state-interval", 0, "the state of a book at most this often, 10ms to 10s; the venue's default when 0")
	command.MarkFlagsMutuallyExclusive("resume", "resume-file")
	s.CompleteFlag(command, "instrument", session.Symbols)
	return s.Run(command, func(ctx context.Context, venue *session.Venue, _ []string) (err error) {
		for i, symbol := range options.Symbols {
			options.Symbols[i] = strings.ToUpper(symbol)
		}
		if resumeFile != "" {
			if options.ResumeAfter, err = session.ReadText(resumeFile); err != nil {
				return err
			}
		}
		return Follow(ctx, s.App, venue, options, s.JSON, func(u client.Update) error {
			if err := printUpdate(s.App, u); err != nil || resumeFile == "" || u.Cursor == "" {
				return err
			}
			return session.WritePrivate(resumeFile, []byte(u.Cursor+"\n"))
		})
	})
}

// Follow calls use with the updates of a feed until it is interrupted, and prints the
// stream's state to standard error. It attaches to a new connection, because another
// command may use the session's own.
func Follow(ctx context.Context, a *cli.App, venue *session.Venue, options client.FeedOptions, asJSON bool, use func(client.Update) error) error {
	lines := &streamLines{app: a, asJSON: asJSON}
	options.OnStatus, options.OnEnd = lines.status, lines.end
	for {
		reply, err := venue.Sessions().OpenConnection(ctx, &todokuv1.OpenConnectionRequest{})
		if err != nil {
			return interrupted(ctx, err)
		}
		options.ConnectionID = reply.GetConnectionId()
		err = followOnce(ctx, venue, &options, use)
		if sessionEnded(err) && venue.CanSignIn() && ctx.Err() == nil {
			if err = venue.SignIn(ctx, venue.Session().AccessToken); err == nil {
				continue
			}
		}
		return interrupted(ctx, err)
	}
}

// followOnce calls use with the updates of a feed until it ends, and keeps the cursor.
func followOnce(ctx context.Context, venue *session.Venue, options *client.FeedOptions, use func(client.Update) error) error {
	for update, err := range venue.Feed(ctx, *options) {
		if err == nil {
			err = use(update)
		}
		if err != nil {
			return err
		}
		if update.Cursor != "" {
			options.ResumeAfter = update.Cursor
		}
	}
	return nil
}

// sessionEnded reports whether a new sign-in would help.
func sessionEnded(err error) bool {
	var end *client.EndError
	return errors.As(err, &end) && (end.Reason == client.ReasonSessionExpired || end.Reason == client.ReasonSessionRevoked)
}

// interrupted returns nil for an end that the user asked for.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // The error follows from the end of ctx.
	}
	var end *client.EndError
	if errors.As(err, &end) {
		return fmt.Errorf("the stream has ended: %s: %w", end.Reason, end.Err)
	}
	return err
}

func printUpdate(a *cli.App, u client.Update) error {
	if !a.JSON {
		if line := messageLine(u.Message); line != "" {
			return a.Printf("%s\n", line)
		}
		return nil
	}
	line, err := cli.Marshal(u.Message)
	if err != nil {
		return err
	}
	if u.Cursor != "" {
		cursor, _ := json.Marshal(u.Cursor) // It cannot fail for a string.
		line = fmt.Appendf(line[:len(line)-1], `,"cursor":%s}`, cursor)
	}
	return a.PrintLine(line)
}
