// Package watch has the command that prints a user's stream, and follows streams for
// other commands.
package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"todoku/client"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

// watchOptions are the flags of watch.
type watchOptions struct {
	json                  bool
	resume, resumeFile    string
	instruments           []string
	presence, allAccounts bool
	interval              time.Duration
}

func Command(a *cli.App) *cobra.Command {
	var o watchOptions
	command := &cobra.Command{
		Use: "watch", Short: "Print the stream of what concerns you, a line per message",
		Long: `Prints everything that the venue pushes to you, a line per message, until it is
interrupted. It comes back by itself after cuts and restarts of the venue and prints
each event once. How the stream stands, and of each stream that ended why it did, is
said on standard error, with --json as JSON.

With --json a line is a message of the API. It has a "cursor" where it is safe to
resume: all lines up to there have been printed. --resume CURSOR goes on after it;
--resume-file FILE keeps it in a file, so that a watch that is started again goes on
where the last one stopped.`,
		Example: `  todoku watch
  todoku watch --instrument USDJPY --instrument EURUSD
  todoku watch --json --resume-file ~/todoku.cursor >> events.jsonl`,
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.BoolVar(&o.json, "json", false, "print one JSON object a line")
	flags.StringVar(&o.resume, "resume", "", "go on after this cursor")
	flags.StringVar(&o.resumeFile, "resume-file", "", "keep the cursor in this file, and go on after the one that it holds")
	flags.StringSliceVar(&o.instruments, "instrument", nil, "the book and prints of this instrument too, or * for all; can be repeated")
	flags.BoolVar(&o.presence, "presence", true, "who signs in and out")
	flags.BoolVar(&o.allAccounts, "all-accounts", false, "orders and trades of every account; needs RISK or ADMIN")
	flags.DurationVar(&o.interval, "state-interval", 0, "the state of a book at most this often, 10ms to 10s; the venue's default when 0")
	command.MarkFlagsMutuallyExclusive("resume", "resume-file")
	session.CompleteFlag(a, command, "instrument", session.Symbols)
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, _ []string) error {
		return session.WithClient(ctx, a, c, func(dialed *session.Venue) error { return watch(ctx, a, dialed, o) })
	})
}

func watch(ctx context.Context, a *cli.App, dialed *session.Venue, o watchOptions) error {
	options := client.FeedOptions{
		Presence: o.presence, AllAccounts: o.allAccounts, StateInterval: o.interval, ResumeAfter: o.resume,
	}
	for _, s := range o.instruments {
		options.Symbols = append(options.Symbols, notation.Upper(s))
	}
	if o.resumeFile != "" {
		var err error
		if options.ResumeAfter, err = readCursor(o.resumeFile); err != nil {
			return err
		}
	}
	return Follow(ctx, a, dialed, options, o.json, func(u client.Update) error {
		if err := printUpdate(a, u, o.json); err != nil {
			return err
		}
		if o.resumeFile == "" || u.Cursor == "" {
			return nil
		}
		return session.WritePrivate(o.resumeFile, []byte(u.Cursor+"\n"))
	})
}

// Follow hands on the updates of a feed until it is interrupted. It attaches to a
// connection of its own: the session's may be in use by another command.
func Follow(ctx context.Context, a *cli.App, dialed *session.Venue, options client.FeedOptions, asJSON bool, use func(client.Update) error) error {
	lines := &streamLines{app: a, asJSON: asJSON}
	options.OnStatus, options.OnEnd = lines.status, lines.end
	for {
		reply, err := dialed.Sessions().OpenConnection(ctx, &todokuv1.OpenConnectionRequest{})
		if err != nil {
			return interrupted(ctx, err)
		}
		options.ConnectionID = reply.GetConnectionId()
		err = followOnce(ctx, dialed, &options, use)
		if !sessionEnded(err) || !dialed.Keeper.CanSignIn() || ctx.Err() != nil {
			return interrupted(ctx, err)
		}
		if err := dialed.Keeper.SignIn(ctx, dialed.Session().AccessToken); err != nil {
			return interrupted(ctx, err)
		}
	}
}

// followOnce hands on the updates of a feed until it is over, and notes how far it
// came.
func followOnce(ctx context.Context, dialed *session.Venue, options *client.FeedOptions, use func(client.Update) error) error {
	for update, err := range dialed.Feed(ctx, *options) {
		if err != nil {
			return err
		}
		if err := use(update); err != nil {
			return err
		}
		if update.Cursor != "" {
			options.ResumeAfter = update.Cursor
		}
	}
	return nil
}

// sessionEnded says whether signing in again would help.
func sessionEnded(err error) bool {
	var end *client.EndError
	return errors.As(err, &end) && (end.Reason == client.ReasonSessionExpired || end.Reason == client.ReasonSessionRevoked)
}

// interrupted makes the end that a person asked for no failure.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // What ctx's end caused says no more than that it ended.
	}
	var end *client.EndError
	if errors.As(err, &end) {
		return fmt.Errorf("the stream is over: %s: %w", end.Reason, end.Err)
	}
	return err
}

// printUpdate prints one message.
func printUpdate(a *cli.App, u client.Update, asJSON bool) error {
	if !asJSON {
		if line := sayMessage(u.Message); line != "" {
			return a.Printf("%s\n", line)
		}
		return nil
	}
	line, err := cli.Marshal(u.Message)
	if err != nil {
		return err
	}
	if u.Cursor != "" {
		cursor, err := json.Marshal(u.Cursor)
		if err != nil {
			return fmt.Errorf("JSON: %w", err)
		}
		line = append(line[:len(line)-1], `,"cursor":`...)
		line = append(append(line, cursor...), '}')
	}
	return a.PrintLine(line)
}

// readCursor returns the cursor that a file holds, "" where there is no file yet.
func readCursor(name string) (string, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("--resume-file: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}
