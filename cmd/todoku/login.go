package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func (a *app) loginCommand() *cobra.Command {
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
	return a.clientCommand(command, func(ctx context.Context, c *connection, args []string) error {
		return a.login(ctx, c, args, file)
	})
}

func (a *app) login(ctx context.Context, c *connection, args []string, file string) (err error) {
	if len(args) == 1 {
		c.user = args[0]
	}
	if c.user == "" {
		if c.user, err = a.askName("Name: "); err != nil {
			return err
		}
	}
	password, err := a.readPassword(ctx, passwordSource{file: file, variable: "TODOKU_PASSWORD", prompt: "Password: "})
	if err != nil {
		return err
	}
	keeper, err := a.newKeeper(c)
	if err != nil {
		return err
	}
	dialed, err := a.dial(c, keeper, &settler{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dialed.Close()) }()
	if err := dialed.Login(ctx, c.user, password); err != nil {
		return err
	}
	if err := keeper.store.makeCurrent(c.user); err != nil {
		return err
	}
	return a.printf("signed in to %s as %s\n", c.server, c.user)
}

func (a *app) logoutCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "logout", Short: "End the session and forget it",
		Long:    "Ends the kept session at the venue, and with it its streams, and forgets it here.",
		Example: "  todoku logout\n  todoku logout --user bob",
		Args:    cobra.NoArgs,
	}
	return a.clientCommand(command, func(ctx context.Context, c *connection, _ []string) error {
		return a.logout(ctx, c)
	})
}

func (a *app) logout(ctx context.Context, c *connection) (err error) {
	keeper, err := a.newKeeper(c)
	if err != nil {
		return err
	}
	session, err := keeper.store.load(c.user)
	if err != nil {
		return err
	}
	if session.User == "" {
		return notSignedIn(c)
	}
	dialed, err := a.dial(c, keeper, &settler{})
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
	return a.printf("signed out of %s as %s\n", c.server, session.User)
}

// withSession is withClient for calls that print nothing but what use prints.
func (a *app) withSession(command *cobra.Command, run func(context.Context, *venue, []string) error) *cobra.Command {
	return a.clientCommand(command, func(ctx context.Context, c *connection, args []string) error {
		return a.withClient(ctx, c, func(dialed *venue) error { return run(ctx, dialed, args) })
	})
}
