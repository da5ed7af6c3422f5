package session

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/cmd/todoku/cli"
)

func LoginCommand(a *cli.App) *cobra.Command {
	var file string
	command := &cobra.Command{
		Use: "login [NAME]", Short: "Sign in and keep the session",
		Long: `Signs in and keeps the session for the commands that follow, in a file that only
you can read. The password is asked for without showing it, or comes from
--password-file or TODOKU_PASSWORD; there is no flag for it.

With TODOKU_USER and TODOKU_PASSWORD set, every command signs in by itself.`,
		Example: "  todoku login alice\n  todoku login alice --server venue.example:7443 --password-file ~/.todoku-password",
		Args:    cobra.MaximumNArgs(1),
	}
	command.Flags().StringVar(&file, "password-file", "", "file whose first line is the password")
	return ClientCommand(a, command, func(ctx context.Context, c *Connection, args []string) error {
		return login(ctx, a, c, args, file)
	})
}

func login(ctx context.Context, a *cli.App, c *Connection, args []string, file string) (err error) {
	if len(args) == 1 {
		c.User = args[0]
	}
	if c.User == "" {
		if c.User, err = askName(a, "Name: "); err != nil {
			return err
		}
	}
	password, err := ReadPassword(ctx, a, PasswordSource{File: file, Variable: "TODOKU_PASSWORD", Prompt: "Password: "})
	if err != nil {
		return err
	}
	keeper, err := NewKeeper(a, c)
	if err != nil {
		return err
	}
	dialed, err := Dial(a, c, keeper, &Settler{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dialed.Close()) }()
	if err := dialed.Login(ctx, c.User, password); err != nil {
		return err
	}
	if err := keeper.store.makeCurrent(c.User); err != nil {
		return err
	}
	return a.Printf("signed in to %s as %s\n", c.Server, c.User)
}

func LogoutCommand(a *cli.App) *cobra.Command {
	command := &cobra.Command{
		Use: "logout", Short: "End the session and forget it",
		Long:    "Ends the kept session at the venue, and with it its streams, and forgets it here.",
		Example: "  todoku logout\n  todoku logout --user bob",
		Args:    cobra.NoArgs,
	}
	return ClientCommand(a, command, func(ctx context.Context, c *Connection, _ []string) error {
		return logout(ctx, a, c)
	})
}

func logout(ctx context.Context, a *cli.App, c *Connection) (err error) {
	keeper, err := NewKeeper(a, c)
	if err != nil {
		return err
	}
	session, err := keeper.store.load(c.User)
	if err != nil {
		return err
	}
	if session.User == "" {
		return notSignedIn(c)
	}
	dialed, err := Dial(a, c, keeper, &Settler{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dialed.Close()) }()
	dialed.Restore(session)
	// A session that the venue no longer knows has ended already.
	if err := dialed.Logout(ctx); err != nil && status.Code(errors.Unwrap(err)) != codes.Unauthenticated {
		return err
	}
	if err := keeper.store.remove(session.User); err != nil {
		return err
	}
	return a.Printf("signed out of %s as %s\n", c.Server, session.User)
}

// WithSession is withClient for calls that print nothing but what use prints.
func WithSession(a *cli.App, command *cobra.Command, run func(context.Context, *Venue, []string) error) *cobra.Command {
	return ClientCommand(a, command, func(ctx context.Context, c *Connection, args []string) error {
		return WithClient(ctx, a, c, func(dialed *Venue) error { return run(ctx, dialed, args) })
	})
}
