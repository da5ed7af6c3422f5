package demo

import (
	"context"
	"slices"
	"testing"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/trade"
)

// seed makes a demo venue in a directory.
func seed(t *testing.T, dir string) {
	t.Helper()
	var users []trade.User
	for _, u := range Users() {
		users = append(users, trade.User{
			ID: trade.UserID(u.Name), DisplayName: u.DisplayName, Roles: trade.RoleTrader,
			Accounts: []trade.AccountID{trade.AccountID(u.Name)},
		})
	}
	var instruments []trade.Instrument
	for _, i := range Instruments() {
		instruments = append(instruments, instrument(t, i))
	}
	if err := apptest.Seed(t.Context(), dir, users, instruments); err != nil {
		t.Fatal(err)
	}
}

// config is that of a quick demo at an address.
func config(address string) Config {
	passwords := map[string]string{}
	for _, name := range Traders() {
		passwords[name] = apptest.Password
	}
	return Config{Venue: client.Config{Address: address, Plaintext: true}, Passwords: passwords, Seed: 11, Rate: 1000}
}

// start runs demo traders until the test calls the function that it returns.
func start(t *testing.T, c Config) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, c) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("demo ended with %v", err)
		}
	}
}

// follow watches a venue until a number of trades were printed.
func follow(t *testing.T, address string, count int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*apptest.Patience)
	defer cancel()
	for update, err := range apptest.Client(t, address, "alice").Feed(ctx, client.FeedOptions{Symbols: []string{"*"}}) {
		if err != nil {
			t.Fatalf("%d trades before: %v", count, err)
		}
		if update.Message.GetTradePrint() != nil {
			count--
		}
		if count <= 0 {
			return
		}
	}
}

// firstTrades returns the earliest trades of every instrument, oldest first.
func firstTrades(t *testing.T, address string) map[string][]string {
	t.Helper()
	c := apptest.Client(t, address, "alice")
	first := map[string][]string{}
	for _, i := range Instruments() {
		reply, err := c.Market().ListTrades(t.Context(), &todokuv1.ListTradesRequest{Symbol: i.GetSymbol(), PageSize: 1000})
		if err != nil || reply.GetNextPageToken() != "" {
			t.Fatalf("more than a page (%v)", err)
		}
		var lines []string
		for _, p := range reply.GetTrades() {
			lines = append(lines, p.GetTradeId()+" "+p.GetQuantity()+" @ "+p.GetPrice()+" "+p.GetAggressor().String())
		}
		slices.Reverse(lines)
		first[i.GetSymbol()] = lines[:min(len(lines), 10)]
	}
	return first
}

func TestTheSameSeedPrintsTheSameTradesOnAnyVenue(t *testing.T) {
	var printed [2]map[string][]string
	for n := range printed {
		c := apptest.Config(t.TempDir())
		seed(t, c.Data)
		address := apptest.Serve(t, c).GRPCAddr().String()
		stop := start(t, config(address))
		follow(t, address, 40)
		stop()
		printed[n] = firstTrades(t, address)
	}
	compared := 0
	for symbol, lines := range printed[0] {
		n := min(len(lines), len(printed[1][symbol]))
		if compared += n; !slices.Equal(lines[:n], printed[1][symbol][:n]) {
			t.Errorf("%s traded differently under the same seed:\n%v\n%v", symbol, lines, printed[1][symbol])
		}
	}
	if compared < 20 {
		t.Errorf("only %d trades were compared", compared)
	}
}

func TestDemoTradesOnAcrossAKilledVenueAndItsOwnRestart(t *testing.T) {
	dir := t.TempDir()
	seed(t, dir)
	venue := apptest.Launch(t, dir)
	venue.Start()
	stop := start(t, config(venue.Address))
	follow(t, venue.Address, 30)
	venue.Kill()
	venue.Start()
	follow(t, venue.Address, 30)
	stop()

	// The second run finds the first one's orders and positions.
	stop = start(t, config(venue.Address))
	follow(t, venue.Address, 30)
	stop()
	for _, side := range book(t, venue.Address, "USDJPY") {
		if len(side) < 10 {
			t.Errorf("the book has only %d levels after two runs", len(side))
		}
		for _, level := range side {
			if level.GetOrders() != 1 {
				t.Errorf("%d orders at %s: those of the first run were not canceled", level.GetOrders(), level.GetPrice())
			}
		}
	}
}

func book(t *testing.T, address, symbol string) [2][]*todokuv1.BookLevel {
	t.Helper()
	reply, err := apptest.Client(t, address, "alice").Market().GetBook(t.Context(), &todokuv1.GetBookRequest{Symbol: symbol})
	if err != nil {
		t.Fatal(err)
	}
	return [2][]*todokuv1.BookLevel{reply.GetBids(), reply.GetOffers()}
}

func TestWrongSettingsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no password": func(c *Config) { c.Passwords = nil },
		"no address":  func(c *Config) { c.Venue.Address = "" },
		"a high rate": func(c *Config) { c.Rate = maxRate + 1 },
	} {
		c := config("127.0.0.1:1")
		change(&c)
		if Run(t.Context(), c) == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestADemoThatFindsNoVenueEndsWithItsContext(t *testing.T) {
	stop := start(t, config("127.0.0.1:1"))
	stop()
}
