// Package admin has the commands that administer a venue, through a running one or, for
// users, offline in its data directory.
package admin

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

// newPassword is the source of a new password of a user.
func newPassword(file, of string) session.PasswordSource {
	return session.PasswordSource{File: file, Variable: "TODOKU_NEW_PASSWORD", Prompt: "New password" + of + ": ", Twice: true}
}

// UserCommand is the group of the commands of users.
func UserCommand(s *session.Session) *cobra.Command {
	return s.Group("user", "Create, list, suspend users and set passwords",
		`Administers users through a running venue, as an administrator; with --data, where the
command has it, in the data directory of a venue that is not running, on its own
machine. The first administrator is created like this:

  todoku user add chief --role ADMIN --data ./data`,
		userAddCommand(s), userListCommand(s),
		userAccessCommand(s, "suspend", "End a user's sessions, cancel the orders, refuse sign-in", "%s is suspended",
			func(ctx context.Context, admin todokuv1.AdminServiceClient, user string) (proto.Message, error) {
				return admin.SuspendUser(ctx, &todokuv1.SuspendUserRequest{RequestId: session.OrNewID(""), User: user})
			}),
		userAccessCommand(s, "resume", "Let a suspended user sign in again", "%s may sign in again",
			func(ctx context.Context, admin todokuv1.AdminServiceClient, user string) (proto.Message, error) {
				return admin.ResumeUser(ctx, &todokuv1.ResumeUserRequest{RequestId: session.OrNewID(""), User: user})
			}),
		userPasswordCommand(s))
}

func userAddCommand(s *session.Session) *cobra.Command {
	request := &todokuv1.CreateUserRequest{}
	var roles []string
	var file, data string
	command := &cobra.Command{
		Use: "add NAME", Short: "Create a user",
		Long: `Creates a user. The password is asked for twice, or comes from --password-file or
TODOKU_NEW_PASSWORD. A name is 1 to 32 of a-z, 0-9 and . - _, beginning with a letter.`,
		Example: "  todoku user add chief --role ADMIN --data ./data\n  todoku user add dora --role TRADER --account dora --account desk",
		Args:    cobra.ExactArgs(1),
	}
	flags := command.Flags()
	flags.StringSliceVar(&roles, "role", []string{"TRADER"}, "TRADER, VIEWER, RISK or ADMIN; can be repeated")
	flags.StringVar(&request.DisplayName, "display-name", "", "name that others see; NAME when empty")
	flags.StringSliceVar(&request.Accounts, "account", nil, "account to trade for, the first is the default; one named NAME when empty")
	flags.StringVar(&file, "password-file", "", "file whose first line is the password")
	flags.StringVar(&data, "data", "", "data directory of a venue that is not running, instead of asking a running one")
	s.JSONFlag(command)
	cli.CompleteWords(command, "role", cli.Words[todokuv1.Role]())
	return s.Command(command, func(ctx context.Context, args []string) error {
		request.RequestId, request.User = session.OrNewID(""), args[0]
		for _, word := range roles {
			role, err := cli.ParseWord[todokuv1.Role](word)
			if err != nil {
				return cli.Usagef("--role %w", err)
			}
			request.Roles = append(request.Roles, role)
		}
		var err error
		if request.Password, err = s.ReadPassword(ctx, newPassword(file, " of "+args[0])); err != nil {
			return err
		}
		if data != "" {
			return addUserOffline(ctx, s.App, data, request)
		}
		return s.WithVenue(ctx, func(venue *session.Venue) error {
			reply, err := venue.Admin().CreateUser(ctx, request)
			return s.Done(reply, err, "user %s", notation.User(reply.GetUser()))
		})
	})
}

func userListCommand(s *session.Session) *cobra.Command {
	return s.Run(&cobra.Command{
		Use: "list", Short: "List users", Example: "  todoku user list", Args: cobra.NoArgs,
	}, func(ctx context.Context, venue *session.Venue, _ []string) error {
		reply, err := venue.Admin().ListAllUsers(ctx, &todokuv1.ListAllUsersRequest{})
		return cli.PrintAll(s.App, reply.GetUsers(), err, userRow, "USER", "DISPLAY NAME", "ROLES", "ACCOUNTS", "STATUS", "SINCE")
	})
}

func userRow(u *todokuv1.User) []string {
	status := "offline"
	switch {
	case u.GetSuspended():
		status = "suspended"
	case u.GetOnline():
		status = "online"
	}
	return []string{
		u.GetUser(), u.GetDisplayName(), notation.Roles(u.GetRoles()), strings.Join(u.GetAccounts(), " "), status, cli.LocalTime(u.GetSince()),
	}
}

// userAccessCommand returns a command that changes whether a user may sign in.
func userAccessCommand(s *session.Session, verb, short, done string, change func(context.Context, todokuv1.AdminServiceClient, string) (proto.Message, error)) *cobra.Command {
	return s.Run(&cobra.Command{
		Use: verb + " NAME", Short: short,
		Example: "  todoku user " + verb + " bob", Args: cobra.ExactArgs(1), ValidArgsFunction: s.Complete(1, session.Users),
	}, func(ctx context.Context, venue *session.Venue, args []string) error {
		reply, err := change(ctx, venue.Admin(), args[0])
		return s.Done(reply, err, done, args[0])
	})
}

func userPasswordCommand(s *session.Session) *cobra.Command {
	var file, data string
	command := &cobra.Command{
		Use: "passwd [NAME]", Short: "Change your password, or set a user's",
		Long: `Without a name, changes your own password and ends your other sessions; the old one is
asked for, or comes from TODOKU_PASSWORD. With a name, sets that user's password as an
administrator and ends the user's sessions. The new one is asked for twice, or comes
from --password-file or TODOKU_NEW_PASSWORD.`,
		Example: "  todoku user passwd\n  todoku user passwd bob\n  todoku user passwd chief --data ./data",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: s.Complete(1, session.Users),
		PreRunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && data != "" {
				return cli.Usagef("--data needs the NAME of a user")
			}
			return nil
		},
	}
	command.Flags().StringVar(&file, "password-file", "", "file whose first line is the new password")
	command.Flags().StringVar(&data, "data", "", "data directory of a venue that is not running, instead of asking a running one")
	return s.Command(command, func(ctx context.Context, args []string) error {
		if len(args) == 0 {
			return changeOwnPassword(ctx, s, file)
		}
		password, err := s.ReadPassword(ctx, newPassword(file, " of "+args[0]))
		if err != nil {
			return err
		}
		if data != "" {
			return setPasswordOffline(ctx, s.App, data, args[0], password)
		}
		return s.WithVenue(ctx, func(venue *session.Venue) error {
			reply, err := venue.Admin().UpdateUser(ctx, &todokuv1.UpdateUserRequest{RequestId: session.OrNewID(""), User: args[0], Password: password})
			return s.Done(reply, err, "the password of %s is set; the user's sessions have ended", args[0])
		})
	})
}

func changeOwnPassword(ctx context.Context, s *session.Session, file string) error {
	old, err := s.ReadPassword(ctx, session.PasswordSource{Variable: "TODOKU_PASSWORD", Prompt: "Present password: "})
	if err != nil {
		return err
	}
	password, err := s.ReadPassword(ctx, newPassword(file, ""))
	if err != nil {
		return err
	}
	if password == old {
		return errors.New("the new password is the old one; nothing was changed")
	}
	return s.WithVenue(ctx, func(venue *session.Venue) error {
		reply, err := venue.Sessions().ChangePassword(ctx, &todokuv1.ChangePasswordRequest{OldPassword: old, NewPassword: password})
		return s.Done(reply, err, "your password is changed; your other sessions have ended")
	})
}
