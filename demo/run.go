package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"todoku/client"
)

// The pace, in commands a second.
const (
	defaultRate = 10 // keeps a dozen books moving at a speed that people can follow
	maxRate     = 1000
)

// Config says where and how the demo traders trade.
type Config struct {
	// Venue is where the venue is. Its OnSession is not used.
	Venue client.Config
	// Passwords are those of [Traders], by name.
	Passwords map[string]string
	// Seed decides what happens.
	Seed int64
	// Rate is how many commands a second they send in all, 1 to 1,000; 10 when 0. The
	// first ladders are built without waiting.
	Rate int
	// Logger gets the start of trading and failures; nil discards them.
	Logger *slog.Logger
}

// Run trades until ctx ends, then returns nil. It waits for a venue that cannot be
// reached. Any error is about the configuration.
func Run(ctx context.Context, config Config) (err error) {
	config.Rate = cmp.Or(config.Rate, defaultRate)
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))
	if config.Rate < 1 || config.Rate > maxRate {
		return fmt.Errorf("demo: invalid rate %d: must be 1 to %d commands a second", config.Rate, maxRate)
	}
	r := &runner{config: config, id: client.NewRequestID()[:8], markets: newMarkets()}
	defer func() { err = errors.Join(err, r.close()) }()
	for _, name := range Traders() {
		if config.Passwords[name] == "" {
			return fmt.Errorf("demo: no password for %s", name)
		}
		t, err := newTrader(config, name)
		if err != nil {
			return err
		}
		r.traders = append(r.traders, t)
	}
	r.run(ctx)
	return nil
}

// runner sends the commands of the script. One goroutine uses it.
type runner struct {
	config  Config
	id      string // begins the ids of this run's requests
	traders []*trader
	markets []*market
	cursor  string // of the latest answer
	number  uint64 // of the latest command
}

func (r *runner) close() error {
	var errs []error
	for _, t := range r.traders {
		errs = append(errs, t.client.Close())
	}
	return errors.Join(errs...)
}

// run cancels the orders of earlier runs and trades until ctx ends.
func (r *runner) run(ctx context.Context) {
	for n := range r.traders {
		r.resume(ctx, n)
	}
	for _, m := range r.markets {
		r.lastPrice(ctx, m)
	}
	r.config.Logger.LogAttrs(ctx, slog.LevelInfo, "demo traders trade",
		slog.Int("traders", len(r.traders)), slog.Int("instruments", len(r.markets)),
		slog.Int("rate", r.config.Rate), slog.Int64("seed", r.config.Seed))
	// A ticker keeps one tick at most: after an outage the venue is not flooded.
	pace := time.NewTicker(time.Second / time.Duration(r.config.Rate))
	defer pace.Stop()
	script := newScript(r.config.Seed, r.markets)
	for ctx.Err() == nil {
		c, ok := script.next()
		if !c.opening {
			select {
			case <-pace.C:
			case <-ctx.Done():
			}
		}
		if ok {
			script.answered(c, r.do(ctx, c))
		}
	}
}
