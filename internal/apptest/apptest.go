// Package apptest runs whole venues for tests: in this process, or in a process of their
// own that can be killed. Each has a temporary data directory and free ports; only what a
// test started is touched.
package apptest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"todoku/account"
	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/server"
	"todoku/trade"
)

// Password is every test user's.
const Password = "correct horse battery staple"

// CheapHash returns settings with which a sign-in takes little time.
func CheapHash() account.HashCost { return account.HashCost{MemoryKiB: 64, Passes: 1, Lanes: 1} }

// Config returns settings for a venue in dir that stops quickly and logs nothing.
//
// A test may read its streams late and never acknowledge: the limits that would end such a
// client are off, or longer than any test. Tests of a limit set it.
func Config(dir string) server.Config {
	config := server.Config{
		Data: dir, GRPCAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0",
		Drain: 2 * time.Second, Version: "test",
		Accounts: account.Config{Hash: CheapHash()},
		Logger:   slog.New(slog.DiscardHandler),
	}
	config.Push.SendTimeout, config.Push.AckTimeout = 10*time.Minute, -1
	config.DefaultLimits = server.DefaultLimits{OpenOrders: -1, Messages: -1}
	config.Push.QueueMessages, config.Push.QueueBytes = 1<<20, 256<<20
	return config
}

// Users returns three traders, a viewer, a risk manager and an administrator.
func Users() []trade.User {
	user := func(id trade.UserID, roles trade.Role) trade.User {
		return trade.User{ID: id, DisplayName: "Test " + string(id), Roles: roles, Accounts: []trade.AccountID{trade.AccountID(id)}}
	}
	return []trade.User{
		user("alice", trade.RoleTrader), user("bob", trade.RoleTrader), user("carol", trade.RoleTrader),
		user("vera", trade.RoleViewer), user("rita", trade.RoleRisk), user("admin", trade.RoleAdmin),
	}
}

// Instruments returns open instruments: USDJPY without a band, EURUSD with one of 5 %
// around 1.1, and DISC, whose trades disclose the counterparty.
func Instruments() []trade.Instrument {
	const unit = 100_000_000
	return []trade.Instrument{
		{
			Symbol: "USDJPY", Name: "US dollar / yen", Class: trade.AssetClassFX, Currency: "JPY",
			TickSize: unit / 1000, LotSize: unit, MinQuantity: unit, MaxQuantity: 10_000_000 * unit, Status: trade.TradingStatusOpen,
		},
		{
			Symbol: "EURUSD", Name: "Euro / US dollar", Class: trade.AssetClassFX, Currency: "USD",
			TickSize: unit / 100_000, LotSize: 1000 * unit, MinQuantity: 1000 * unit, MaxQuantity: 10_000_000 * unit,
			Band: 500, ReferencePrice: unit * 11 / 10, Status: trade.TradingStatusOpen,
		},
		{
			Symbol: "DISC", Name: "Disclosed", Class: trade.AssetClassEquity, Currency: "JPY", Disclose: true,
			TickSize: unit, LotSize: 100 * unit, MinQuantity: 100 * unit, MaxQuantity: 1_000_000 * unit, Status: trade.TradingStatusOpen,
		},
	}
}

// Seed makes the users and instruments in a data directory, offline.
func Seed(ctx context.Context, dir string, users []trade.User, instruments []trade.Instrument) (err error) {
	venue, err := server.OpenOffline(ctx, dir, account.Config{Hash: CheapHash()})
	if err != nil {
		return fmt.Errorf("apptest: %w", err)
	}
	defer func() { err = errors.Join(err, venue.Close(ctx)) }()
	for _, u := range users {
		if _, err := venue.Submit(ctx, &trade.UpsertUser{Create: true, NewUser: u}); err != nil {
			return fmt.Errorf("apptest: user %s: %w", u.ID, err)
		}
		if err := venue.Accounts.SetPassword(ctx, string(u.ID), Password); err != nil {
			return fmt.Errorf("apptest: password of %s: %w", u.ID, err)
		}
	}
	for _, i := range instruments {
		if _, err := venue.Submit(ctx, &trade.UpsertInstrument{Instrument: i}); err != nil {
			return fmt.Errorf("apptest: instrument %s: %w", i.Symbol, err)
		}
	}
	return nil
}

// App is a venue in this process.
type App struct {
	*server.Server
	t    testing.TB
	data string
	stop context.CancelFunc
	done chan error
}

// Start seeds a fresh venue and serves it until the test ends or Shutdown.
func Start(t testing.TB) *App {
	t.Helper()
	config := Config(t.TempDir())
	if err := Seed(t.Context(), config.Data, Users(), Instruments()); err != nil {
		t.Fatal(err)
	}
	return Serve(t, config)
}

// Serve serves a venue as configured until the test ends or Shutdown.
func Serve(t testing.TB, config server.Config) *App {
	t.Helper()
	s, err := server.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	app := &App{Server: s, t: t, data: config.Data, stop: stop, done: make(chan error, 1)}
	go func() { app.done <- s.Run(ctx) }()
	t.Cleanup(app.Shutdown)
	return app
}

// Shutdown stops the venue as SIGTERM does, and fails the test if End returns an error.
func (a *App) Shutdown() {
	a.t.Helper()
	if err := a.End(); err != nil {
		a.t.Errorf("venue stopped with %v", err)
	}
}

// End stops the venue as SIGTERM does and returns its error. Only the first call does
// anything.
func (a *App) End() error {
	if a.stop == nil {
		return nil
	}
	a.stop()
	a.stop = nil
	return <-a.done
}

// Client returns a client that is signed in to the venue and closed with the test.
func (a *App) Client(user string) *client.Client {
	a.t.Helper()
	return Client(a.t, a.GRPCAddr().String(), user)
}

// Client returns a client that is signed in at an address and closed with the test.
func Client(t testing.TB, address, user string) *client.Client {
	t.Helper()
	c, err := client.Dial(client.Config{Address: address, Plaintext: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // Calls that still run at the test's end fail.
	if err := c.Login(t.Context(), user, Password); err != nil {
		t.Fatal(err)
	}
	return c
}

// Limit returns a request for a DAY limit order.
func Limit(id, symbol string, side todokuv1.Side, quantity, price string) *todokuv1.PlaceOrderRequest {
	return &todokuv1.PlaceOrderRequest{ClientOrderId: id, Symbol: symbol, Side: side, Quantity: quantity, Price: price}
}

// Data returns the directory that holds the venue.
func (a *App) Data() string { return a.data }

// get sends a GET to the HTTP port.
func (a *App) get(path string) (*http.Response, error) {
	a.t.Helper()
	request, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, "http://"+a.HTTPAddr().String()+path, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	request.Close = true // Tests that count goroutines must not find an open connection.
	return http.DefaultClient.Do(request)
}

// HTTP returns what the HTTP port answers to a GET.
func (a *App) HTTP(path string) (code int, body string) {
	a.t.Helper()
	response, err := a.get(path)
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // It was only read.
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// Ready reports whether /readyz answers that the venue is ready. A closed port is not.
func (a *App) Ready() bool {
	a.t.Helper()
	response, err := a.get("/readyz")
	if err != nil {
		return false
	}
	_ = response.Body.Close() // Nothing was read.
	return response.StatusCode == http.StatusOK
}

// Head returns the journal's newest sequence, as /readyz shows it.
func (a *App) Head() uint64 {
	a.t.Helper()
	var state struct{ Head uint64 }
	if _, body := a.HTTP("/readyz"); json.Unmarshal([]byte(body), &state) != nil {
		a.t.Fatalf("/readyz says %q", body)
	}
	return state.Head
}
