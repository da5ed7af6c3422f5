// Package admin has the commands that administer a venue, through a running one or, for
// users, offline in its data directory.
package admin

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

// newPassword is where commands that set a password get it from.
func newPassword(file, user string) session.PasswordSource {
	return session.PasswordSource{File: file, Variable: "TODOKU_NEW_PASSWORD", Prompt: "New password of " + user + ": ", Twice: true}
}

func UserCommand(a *cli.App) *cobra.Command {
	return a.Group("user", "Create, list, suspend users and set passwords",
		`Administers users through a running venue, as an administrator; with --data, where the
command has it, in the data directory of a venue that is not running, on its own
machine. The first administrator is made so:

  todoku user add chief --role ADMIN --data ./data`,
		userAddCommand(a), userListCommand(a), userSuspendCommand(a), userResumeCommand(a), userPasswordCommand(a))
}

func userAddCommand(a *cli.App) *cobra.Command {
	request := &todokuv1.CreateUserRequest{}
	var roles []string
	var file, data string
	var asJSON bool
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
	cli.AddJSON(command, &asJSON)
	cli.OneOf(command, "role", notation.RoleWords()...)
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, args []string) (err error) {
		request.RequestId, request.User = session.OrNewID(""), args[0]
		if request.Roles, err = parseRoles(roles); err != nil {
			return err
		}
		if request.Password, err = session.ReadPassword(ctx, a, newPassword(file, request.GetUser())); err != nil {
			return err
		}
		if data != "" {
			return addUserOffline(ctx, a, data, request, asJSON)
		}
		return session.WithClient(ctx, a, c, func(dialed *session.Venue) error {
			return cli.Call(ctx, dialed.Admin().CreateUser, request, func(reply *todokuv1.CreateUserResponse) error {
				return a.Done(reply, asJSON, "user %s", notation.SayUser(reply.GetUser()))
			})
		})
	})
}

func parseRoles(words []string) ([]todokuv1.Role, error) {
	var roles []todokuv1.Role
	for _, w := range words {
		i, err := cli.WordIndex("--role", w, notation.RoleWords()...)
		if err != nil {
			return nil, err
		}
		roles = append(roles, todokuv1.Role(i))
	}
	return roles, nil
}

func userListCommand(a *cli.App) *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use: "list", Short: "List users", Example: "  todoku user list", Args: cobra.NoArgs,
	}
	cli.AddJSON(command, &asJSON)
	return session.WithSession(a, command, func(ctx context.Context, dialed *session.Venue, _ []string) error {
		return cli.Call(ctx, dialed.Admin().ListAllUsers, &todokuv1.ListAllUsersRequest{}, func(reply *todokuv1.ListAllUsersResponse) error {
			return cli.PrintAll(a, asJSON, reply.GetUsers(), cli.Left("USER", "DISPLAY NAME", "ROLES", "ACCOUNTS", "STATUS", "SINCE"), userRow)
		})
	})
}

func userRow(u *todokuv1.User) []string {
	status := "offline"
	if u.GetOnline() {
		status = "online"
	}
	if u.GetSuspended() {
		status = "suspended"
	}
	return []string{
		u.GetUser(), u.GetDisplayName(), notation.SayRoles(u.GetRoles()), strings.Join(u.GetAccounts(), " "), status, cli.LocalTime(u.GetSince()),
	}
}

func userSuspendCommand(a *cli.App) *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use: "suspend NAME", Short: "End a user's sessions, cancel the orders, refuse sign-in",
		Example: "  todoku user suspend bob", Args: cobra.ExactArgs(1), ValidArgsFunction: session.CompleteFirst(a, session.Users),
	}
	cli.AddJSON(command, &asJSON)
	return session.WithSession(a, command, func(ctx context.Context, dialed *session.Venue, args []string) error {
		return cli.Call(ctx, dialed.Admin().SuspendUser, &todokuv1.SuspendUserRequest{RequestId: session.OrNewID(""), User: args[0]},
			func(reply *todokuv1.SuspendUserResponse) error {
				return a.Done(reply, asJSON, "%s is suspended", args[0])
			})
	})
}

func userResumeCommand(a *cli.App) *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use: "resume NAME", Short: "Let a suspended user in again",
		Example: "  todoku user resume bob", Args: cobra.ExactArgs(1), ValidArgsFunction: session.CompleteFirst(a, session.Users),
	}
	cli.AddJSON(command, &asJSON)
	return session.WithSession(a, command, func(ctx context.Context, dialed *session.Venue, args []string) error {
		return cli.Call(ctx, dialed.Admin().ResumeUser, &todokuv1.ResumeUserRequest{RequestId: session.OrNewID(""), User: args[0]},
			func(reply *todokuv1.ResumeUserResponse) error {
				return a.Done(reply, asJSON, "%s may sign in again", args[0])
			})
	})
}

func userPasswordCommand(a *cli.App) *cobra.Command {
	var file, data string
	command := &cobra.Command{
		Use: "passwd [NAME]", Short: "Change your password, or set a user's",
		Long: `Without a name, changes your own password and ends your other sessions; the old one is
asked for, or comes from TODOKU_PASSWORD. With a name, sets that user's password as an
administrator and ends the user's sessions. The new one is asked for twice, or comes
from --password-file or TODOKU_NEW_PASSWORD.`,
		Example: "  todoku user passwd\n  todoku user passwd bob\n  todoku user passwd chief --data ./data",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: session.CompleteFirst(a, session.Users),
	}
	command.Flags().StringVar(&file, "password-file", "", "file whose first line is the new password")
	command.Flags().StringVar(&data, "data", "", "data directory of a venue that is not running, instead of asking a running one")
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, args []string) error {
		switch {
		case len(args) == 0 && data != "":
			return cli.Usagef("--data needs a NAME")
		case len(args) == 0:
			return changeOwnPassword(ctx, a, c, file)
		}
		password, err := session.ReadPassword(ctx, a, newPassword(file, args[0]))
		if err != nil {
			return err
		}
		if data != "" {
			return setPasswordOffline(ctx, a, data, args[0], password)
		}
		return session.WithClient(ctx, a, c, func(dialed *session.Venue) error {
			return cli.Call(ctx, dialed.Admin().UpdateUser, &todokuv1.UpdateUserRequest{RequestId: session.OrNewID(""), User: args[0], Password: password},
				func(*todokuv1.UpdateUserResponse) error {
					return a.Printf("the password of %s is set; the user's sessions have ended\n", args[0])
				})
		})
	})
}

func changeOwnPassword(ctx context.Context, a *cli.App, c *session.Connection, file string) error {
	old, err := session.ReadPassword(ctx, a, session.PasswordSource{Variable: "TODOKU_PASSWORD", Prompt: "Present password: "})
	if err != nil {
		return err
	}
	password, err := session.ReadPassword(ctx, a, session.PasswordSource{File: file, Variable: "TODOKU_NEW_PASSWORD", Prompt: "New password: ", Twice: true})
	if err != nil {
		return err
	}
	if password == old {
		return errors.New("the new password is the old one; nothing was changed")
	}
	return session.WithClient(ctx, a, c, func(dialed *session.Venue) error {
		return cli.Call(ctx, dialed.Sessions().ChangePassword, &todokuv1.ChangePasswordRequest{OldPassword: old, NewPassword: password},
			func(*todokuv1.ChangePasswordResponse) error {
				return a.Printf("your password is changed; your other sessions have ended\n")
			})
	})
}
