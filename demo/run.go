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

// Bounds of the pace, in commands a second.
const (
	// DefaultRate keeps a dozen books moving at a speed that people can follow.
	DefaultRate = 10
	maxRate     = 1000
	maxTraders  = 100
)

// Config says where and how the demo traders trade.
type Config struct {
	// Venue is where the venue is. Its OnSession is not used.
	Venue client.Config
	// Passwords are those of [Traders], by name.
	Passwords map[string]string
	// Seed decides what happens.
	Seed int64
	// Traders is how many there are, 1 to 100; [DefaultTraders] when 0. The
	// first half, rounded up, quotes; the others take.
	Traders int
	// Rate is how many commands a second they send in all, 1 to 1,000;
	// [DefaultRate] when 0. The first ladders are built without waiting.
	Rate int
	// RunID keeps the request ids of this run from those of runs before on the
	// same venue; random when empty.
	RunID string
	// Logger gets the start of trading and failures; nil discards them.
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	c.Traders = cmp.Or(c.Traders, DefaultTraders)
	c.Rate = cmp.Or(c.Rate, DefaultRate)
	c.RunID = cmp.Or(c.RunID, client.NewRequestID()[:8])
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	switch {
	case c.Traders < 1 || c.Traders > maxTraders:
		return c, fmt.Errorf("demo: invalid number of traders %d: must be 1 to %d", c.Traders, maxTraders)
	case c.Rate < 1 || c.Rate > maxRate:
		return c, fmt.Errorf("demo: invalid rate %d: must be 1 to %d commands a second", c.Rate, maxRate)
	}
	for _, name := range Traders(c.Traders) {
		if c.Passwords[name] == "" {
			return c, fmt.Errorf("demo: no password for %s", name)
		}
	}
	return c, nil
}

// Run trades until ctx ends, then returns nil. It waits for a venue that cannot be
// reached. Any error is about the configuration.
func Run(ctx context.Context, config Config) (err error) {
	config, err = config.withDefaults()
	if err != nil {
		return err
	}
	r := &runner{config: config}
	defer func() { err = errors.Join(err, r.close()) }()
	for _, name := range Traders(config.Traders) {
		t, err := newTrader(config, name)
		if err != nil {
			return err
		}
		r.traders = append(r.traders, t)
	}
	makers := makersOf(config.Traders)
	for n, i := range Instruments() {
		m, err := newMarket(i, n%makers, config.Traders-makers)
		if err != nil {
			return err
		}
		r.markets = append(r.markets, m)
	}
	if err = r.run(ctx); ctx.Err() != nil {
		return nil
	}
	return err
}

// runner sends the commands of the script. One goroutine uses it.
type runner struct {
	config  Config
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
func (r *runner) run(ctx context.Context) error {
	for n := range r.traders {
		if err := r.resume(ctx, n); err != nil {
			return err
		}
	}
	for _, m := range r.markets {
		if err := r.lastPrice(ctx, m); err != nil {
			return err
		}
	}
	r.config.Logger.LogAttrs(ctx, slog.LevelInfo, "demo traders trade",
		slog.Int("traders", len(r.traders)), slog.Int("instruments", len(r.markets)),
		slog.Int("rate", r.config.Rate), slog.Int64("seed", r.config.Seed))
	// A ticker keeps one tick at most: after an outage the venue is not flooded.
	pace := time.NewTicker(time.Second / time.Duration(r.config.Rate))
	defer pace.Stop()
	script := newScript(r.config.Seed, len(r.traders), r.markets)
	for {
		c, ok := script.next()
		if !c.opening {
			select {
			case <-pace.C:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if !ok {
			continue
		}
		o, err := r.do(ctx, c)
		if err != nil {
			return err
		}
		script.answered(c, o)
	}
}
