package admin

import (
	"context"
	"errors"
	"fmt"

	"todoku/account"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/rpc"
	"todoku/server"
	"todoku/trade"
)

// Offline runs do on the venue in a data directory, which must not be running. The first
// administrator is created in this way. Commands go through the same engine as in a
// running venue.
func Offline(ctx context.Context, data string, do func(*server.Offline) error) (err error) {
	venue, err := server.OpenOffline(ctx, data, account.Config{})
	if err != nil {
		return cli.WrongUsageIf(err, server.ErrConfig)
	}
	defer func() { err = errors.Join(err, venue.Close(context.WithoutCancel(ctx))) }()
	return do(venue)
}

func addUserOffline(ctx context.Context, a *cli.App, data string, request *todokuv1.CreateUserRequest) error {
	command, err := rpc.DecodeUser(request)
	if err != nil {
		return err
	}
	user := command.NewUser
	return Offline(ctx, data, func(venue *server.Offline) error {
		if err := venue.Accounts.CheckNewPassword(string(user.ID), request.GetPassword()); err != nil {
			return err
		}
		answer, err := venue.Submit(ctx, &trade.UpsertUser{Create: true, NewUser: user})
		if err != nil {
			return err
		}
		if _, err := venue.Accounts.CreateCredentialIfAbsent(ctx, string(user.ID), request.GetPassword()); err != nil {
			return fmt.Errorf("the user was created without a password; set one with \"todoku user passwd %s --data %s\": %w", user.ID, data, err)
		}
		created := &todokuv1.User{User: request.GetUser(), DisplayName: user.DisplayName, Roles: request.GetRoles()}
		for _, name := range user.Accounts {
			created.Accounts = append(created.Accounts, string(name))
		}
		return a.Done(&todokuv1.CreateUserResponse{User: created, Sequence: answer.Sequence}, nil, "user %s", notation.User(created))
	})
}

func setPasswordOffline(ctx context.Context, a *cli.App, data, user, password string) error {
	if _, err := venueIn(data); err != nil {
		return err
	}
	return Offline(ctx, data, func(venue *server.Offline) error {
		// A new password ends the user's sessions, so the user is signed out. This command
		// refuses an unknown user.
		if _, err := venue.Submit(ctx, &trade.SetPresence{Subject: trade.UserID(user)}); err != nil {
			return err
		}
		if err := venue.Accounts.SetPassword(ctx, user, password); err != nil {
			return err
		}
		return a.Printf("the password of %s is set; the user's sessions have ended\n", user)
	})
}
