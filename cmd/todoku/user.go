package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	todokuv1 "todoku/gen/todoku/v1"
)

// roleWords are the roles in the order of their numbers in the API.
func roleWords() []string { return []string{"TRADER", "VIEWER", "RISK", "ADMIN"} }

// newPassword is where commands that set a password get it from.
func newPassword(file, user string) passwordSource {
	return passwordSource{file: file, variable: "TODOKU_NEW_PASSWORD", prompt: "New password of " + user + ": ", twice: true}
}

func (a *app) userCommand() *cobra.Command {
	return a.group("user", "Create, list, suspend users and set passwords",
		`Administers users through a running venue, as an administrator; with --data, where the
command has it, in the data directory of a venue that is not running, on its own
machine. The first administrator is made so:

  todoku user add chief --role ADMIN --data ./data`,
		a.userAddCommand(), a.userListCommand(), a.userSuspendCommand(), a.userResumeCommand(), a.userPasswordCommand())
}

func (a *app) userAddCommand() *cobra.Command {
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
	addJSON(command, &asJSON)
	oneOf(command, "role", roleWords()...)
	return a.clientCommand(command, func(ctx context.Context, c *connection, args []string) (err error) {
		request.RequestId, request.User = orNewID(""), args[0]
		if request.Roles, err = parseRoles(roles); err != nil {
			return err
		}
		if request.Password, err = a.readPassword(ctx, newPassword(file, request.GetUser())); err != nil {
			return err
		}
		if data != "" {
			return a.addUserOffline(ctx, data, request, asJSON)
		}
		return a.withClient(ctx, c, func(dialed *venue) error {
			return call(ctx, dialed.Admin().CreateUser, request, func(reply *todokuv1.CreateUserResponse) error {
				return a.done(reply, asJSON, "user %s", sayUser(reply.GetUser()))
			})
		})
	})
}

func parseRoles(words []string) ([]todokuv1.Role, error) {
	var roles []todokuv1.Role
	for _, w := range words {
		i, err := wordIndex("--role", w, roleWords()...)
		if err != nil {
			return nil, err
		}
		roles = append(roles, todokuv1.Role(i))
	}
	return roles, nil
}

func (a *app) userListCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use: "list", Short: "List users", Example: "  todoku user list", Args: cobra.NoArgs,
	}
	addJSON(command, &asJSON)
	return a.withSession(command, func(ctx context.Context, dialed *venue, _ []string) error {
		return call(ctx, dialed.Admin().ListAllUsers, &todokuv1.ListAllUsersRequest{}, func(reply *todokuv1.ListAllUsersResponse) error {
			return printAll(a, asJSON, reply.GetUsers(), left("USER", "DISPLAY NAME", "ROLES", "ACCOUNTS", "STATUS", "SINCE"), userRow)
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
		u.GetUser(), u.GetDisplayName(), sayRoles(u.GetRoles()), strings.Join(u.GetAccounts(), " "), status, localTime(u.GetSince()),
	}
}

func (a *app) userSuspendCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use: "suspend NAME", Short: "End a user's sessions, cancel the orders, refuse sign-in",
		Example: "  todoku user suspend bob", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeFirst(a.users),
	}
	addJSON(command, &asJSON)
	return a.withSession(command, func(ctx context.Context, dialed *venue, args []string) error {
		return call(ctx, dialed.Admin().SuspendUser, &todokuv1.SuspendUserRequest{RequestId: orNewID(""), User: args[0]},
			func(reply *todokuv1.SuspendUserResponse) error {
				return a.done(reply, asJSON, "%s is suspended", args[0])
			})
	})
}

func (a *app) userResumeCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use: "resume NAME", Short: "Let a suspended user in again",
		Example: "  todoku user resume bob", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeFirst(a.users),
	}
	addJSON(command, &asJSON)
	return a.withSession(command, func(ctx context.Context, dialed *venue, args []string) error {
		return call(ctx, dialed.Admin().ResumeUser, &todokuv1.ResumeUserRequest{RequestId: orNewID(""), User: args[0]},
			func(reply *todokuv1.ResumeUserResponse) error {
				return a.done(reply, asJSON, "%s may sign in again", args[0])
			})
	})
}

func (a *app) userPasswordCommand() *cobra.Command {
	var file, data string
	command := &cobra.Command{
		Use: "passwd [NAME]", Short: "Change your password, or set a user's",
		Long: `Without a name, changes your own password and ends your other sessions; the old one is
asked for, or comes from TODOKU_PASSWORD. With a name, sets that user's password as an
administrator and ends the user's sessions. The new one is asked for twice, or comes
from --password-file or TODOKU_NEW_PASSWORD.`,
		Example: "  todoku user passwd\n  todoku user passwd bob\n  todoku user passwd chief --data ./data",
		Args:    cobra.MaximumNArgs(1), ValidArgsFunction: a.completeFirst(a.users),
	}
	command.Flags().StringVar(&file, "password-file", "", "file whose first line is the new password")
	command.Flags().StringVar(&data, "data", "", "data directory of a venue that is not running, instead of asking a running one")
	return a.clientCommand(command, func(ctx context.Context, c *connection, args []string) error {
		switch {
		case len(args) == 0 && data != "":
			return usagef("--data needs a NAME")
		case len(args) == 0:
			return a.changeOwnPassword(ctx, c, file)
		}
		password, err := a.readPassword(ctx, newPassword(file, args[0]))
		if err != nil {
			return err
		}
		if data != "" {
			return a.setPasswordOffline(ctx, data, args[0], password)
		}
		return a.withClient(ctx, c, func(dialed *venue) error {
			return call(ctx, dialed.Admin().UpdateUser, &todokuv1.UpdateUserRequest{RequestId: orNewID(""), User: args[0], Password: password},
				func(*todokuv1.UpdateUserResponse) error {
					return a.printf("the password of %s is set; the user's sessions have ended\n", args[0])
				})
		})
	})
}

func (a *app) changeOwnPassword(ctx context.Context, c *connection, file string) error {
	old, err := a.readPassword(ctx, passwordSource{variable: "TODOKU_PASSWORD", prompt: "Present password: "})
	if err != nil {
		return err
	}
	password, err := a.readPassword(ctx, passwordSource{file: file, variable: "TODOKU_NEW_PASSWORD", prompt: "New password: ", twice: true})
	if err != nil {
		return err
	}
	if password == old {
		return errors.New("the new password is the old one; nothing was changed")
	}
	return a.withClient(ctx, c, func(dialed *venue) error {
		return call(ctx, dialed.Sessions().ChangePassword, &todokuv1.ChangePasswordRequest{OldPassword: old, NewPassword: password},
			func(*todokuv1.ChangePasswordResponse) error {
				return a.printf("your password is changed; your other sessions have ended\n")
			})
	})
}
