package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"todoku/account"
	"todoku/bench/yardstick"
	"todoku/internal/apptest"
	"todoku/server"
	"todoku/trade"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"user", "serve", "bench"}, os.Args[1]) {
		if err := actAsTodoku(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// actAsTodoku lets this test binary run the commands that StartProcess starts, so that the
// todoku command need not be built.
func actAsTodoku(arguments []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	flag := func(name string) string { return arguments[slices.Index(arguments, name)+1] }
	if arguments[0] == "bench" && arguments[1] == "stand-in" {
		return StandIn(ctx, os.Stdin, os.Stdout)
	}
	if arguments[0] == "bench" {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", flag("--grpc-addr"))
		if err != nil {
			return err
		}
		return yardstick.Serve(ctx, listener)
	}
	if arguments[0] == "user" {
		return addAdministrator(ctx, flag("--data"), arguments[2], os.Getenv("TODOKU_NEW_PASSWORD"))
	}
	if slices.Contains(arguments, "--broken") {
		return errors.New("no such flag: --broken")
	}
	config := apptest.Config(flag("--data"))
	config.GRPCAddr, config.HTTPAddr = flag("--grpc-addr"), flag("--http-addr")
	if slices.Contains(arguments, "--impatient") {
		config.Push.SendTimeout = time.Second
	}
	s, err := server.New(ctx, config)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

func addAdministrator(ctx context.Context, dir, name, password string) error {
	venue, err := server.OpenOffline(ctx, dir, account.Config{Hash: apptest.CheapHash()})
	if err != nil {
		return err
	}
	user := trade.User{ID: trade.UserID(name), DisplayName: name, Roles: trade.RoleAdmin, Accounts: []trade.AccountID{trade.AccountID(name)}}
	if _, err := venue.Submit(ctx, &trade.UpsertUser{Create: true, NewUser: user}); err != nil {
		return err
	}
	if err := venue.Accounts.SetPassword(ctx, name, password); err != nil {
		return err
	}
	return venue.Close(ctx)
}
