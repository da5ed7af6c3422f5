package serve

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"todoku/cmd/todoku/admin"
	"todoku/cmd/todoku/cli"
	"todoku/demo"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/rpc"
	"todoku/server"
	"todoku/trade"
	"todoku/web"
)

// demoMark is the file that marks a data directory as a demo's. It is empty until the
// venue is complete, and then holds demoReady.
const (
	demoMark  = "DEMO"
	demoReady = "This directory is a demo venue's. Delete it to begin anew.\n"
)

// prepareDemo creates a demo venue in data, unless there is one, by offline administration.
// It returns new passwords for the demo traders, who are clients like all others.
func prepareDemo(ctx context.Context, data string) (passwords map[string]string, err error) {
	dir, err := server.StorageDirectory(data)
	if err != nil {
		return nil, err
	}
	ready, err := claimDemo(dir)
	if err != nil {
		return nil, err
	}
	passwords = map[string]string{}
	for _, name := range demo.Traders() {
		passwords[name] = rand.Text()
	}
	err = admin.Offline(ctx, dir, func(venue *server.Offline) error {
		if !ready {
			if err := enterDemo(ctx, venue); err != nil {
				return err
			}
		}
		for name, password := range passwords {
			if err := venue.Accounts.SetPassword(ctx, name, password); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	return passwords, os.WriteFile(filepath.Join(dir, demoMark), []byte(demoReady), 0o600)
}

// claimDemo marks an empty directory as a demo's, and refuses one that holds anything else.
// It reports whether the venue in it is complete.
func claimDemo(dir string) (ready bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, fmt.Errorf("demo: %w", err)
	}
	mark := filepath.Join(dir, demoMark)
	switch text, err := os.ReadFile(mark); {
	case err == nil:
		return string(text) == demoReady, nil
	case !errors.Is(err, os.ErrNotExist):
		return false, fmt.Errorf("demo: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, fmt.Errorf("demo: %w", err)
	}
	if len(entries) > 0 {
		return false, cli.Usagef("%s holds %s, which does not belong to a demo; name another directory with --data", dir, entries[0].Name())
	}
	return false, os.WriteFile(mark, nil, 0o600)
}

// enterDemo enters instruments and users. It keeps those of an interrupted start.
func enterDemo(ctx context.Context, venue *server.Offline) error {
	const request = "demo" // It is checked and not stored.
	for _, i := range demo.Instruments() {
		command, err := rpc.DecodeInstrument(&todokuv1.UpsertInstrumentRequest{RequestId: request, Instrument: i})
		if err != nil {
			return err
		}
		if _, err := venue.Submit(ctx, &trade.UpsertInstrument{Instrument: command.Instrument}); err != nil {
			return err
		}
	}
	for _, u := range demo.Users() {
		command, err := rpc.DecodeUser(&todokuv1.CreateUserRequest{RequestId: request, User: u.Name, DisplayName: u.DisplayName, Roles: u.Roles})
		if err != nil {
			return err
		}
		_, err = venue.Submit(ctx, &trade.UpsertUser{Create: true, NewUser: command.NewUser})
		if err != nil && !errors.Is(err, &trade.Refusal{Reason: trade.ReasonAlreadyExists}) {
			return err
		}
		if u.Password == "" {
			continue
		}
		if err := venue.Accounts.SetPublishedPassword(ctx, u.Name, u.Password); err != nil {
			return err
		}
	}
	return nil
}

func printWelcome(a *cli.App, address, http string) error {
	server := ""
	if address != "127.0.0.1:7443" {
		server = " TODOKU_SERVER=" + address
	}
	screens := "http://" + http + "/"
	if !web.Built() {
		screens = "not in this binary; make build puts them in"
	}
	return a.Printf(`A demo venue is on %s.
Screens: %s
Status:  http://%s/status
Users: alice, bob and carol, who trade, and admin; the password of each is "demo".
Or in another terminal:

  export TODOKU_USER=alice TODOKU_PASSWORD=demo%s
  todoku instrument list
  todoku book USDJPY --watch
  todoku order place BUY 10000 USDJPY --type market
  todoku positions
  todoku watch --instrument USDJPY

`, address, screens, http, server)
}
