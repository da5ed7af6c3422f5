package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"todoku/client"
)

// ErrConfig says that a setting of a benchmark is wrong; the text says which.
var ErrConfig = errors.New("bench: settings")

// Client is what sends the requests.
type Client string

// The clients.
const (
	// GRPC is grpc-go with generated code, as programs use it.
	GRPC Client = "grpc"
	// Light writes and reads HTTP/2 frames itself.
	Light Client = "light"
)

// OrdersConfig says how to load a venue with orders. The zero value of a field
// takes the default that is named beside it.
type OrdersConfig struct {
	// Venue is where the venue is.
	Venue client.Config
	// Market is where and by whom is traded; see [Prepare].
	Market Market
	// Client sends; GRPC.
	Client Client
	// Connections is how many TCP connections send, 4. Their requests alternate
	// between a user who buys and one who sells.
	Connections int
	// InFlight is how many requests of a connection may wait for their answers, 64.
	InFlight int
	// Batch is how many orders a request carries, 1 to 1,000: one is a PlaceOrder,
	// more are a PlaceOrders. 1.
	Batch int
	// Rate is how many orders a second are due in all; 0 for as many as go.
	Rate int
	// Warmup passes before anything is measured; 1 s.
	Warmup time.Duration
	// Duration is how long is measured, at most 10 min; 10 s.
	Duration time.Duration
	// ServerPID is the venue's process on this machine, whose CPU is measured; 0
	// to leave that out.
	ServerPID int
	// NoCheck leaves out the comparison of what was acknowledged with what the
	// venue lists afterwards.
	NoCheck bool
}

const (
	maxBatch       = 1000
	maxConnections = 10_000
	// maxDuration keeps a run within the life of its access tokens.
	maxDuration = 10 * time.Minute
)

func (c OrdersConfig) withDefaults() (OrdersConfig, error) {
	for _, d := range []struct {
		value    *int
		standard int
	}{{&c.Connections, 4}, {&c.InFlight, 64}, {&c.Batch, 1}} {
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
	if c.Warmup == 0 {
		c.Warmup = time.Second
	}
	if c.Duration == 0 {
		c.Duration = 10 * time.Second
	}
	if c.Client == "" {
		c.Client = GRPC
	}
	for _, check := range []struct {
		bad  bool
		text string
	}{
		{c.Client != GRPC && c.Client != Light, "the client is grpc or light"},
		{c.Connections < 1 || c.Connections > maxConnections, "1 to 10,000 connections"},
		{c.InFlight < 1 || c.InFlight > maxBatch, "1 to 1,000 requests in flight"},
		{c.Batch < 1 || c.Batch > maxBatch, "1 to 1,000 orders in a batch"},
		{c.Rate < 0, "a rate is not negative"},
		{c.Warmup < 0 || c.Duration < 0 || c.Warmup+c.Duration > maxDuration, "at most 10 minutes"},
		{len(c.Market.Users) < 2, "at least two users, one who buys and one who sells"},
	} {
		if check.bad {
			return c, fmt.Errorf("%w: %s", ErrConfig, check.text)
		}
	}
	return c, nil
}

// Orders loads a venue with durable orders and measures. Half of the orders rest
// within ten ticks of the middle, the other half are IOC orders that trade with
// them: each connection sends a resting order and one that takes, by turns, for a
// user who buys, then for one who sells. Every order is for one lot.
//
// The error says why there is no result; a result with lost orders is a result.
func Orders(ctx context.Context, config OrdersConfig) (Result, error) {
	config, err := config.withDefaults()
	if err != nil {
		return Result{}, err
	}
	sessions, err := signIn(ctx, config.Venue, config.Market.Users)
	if err != nil {
		return Result{}, err
	}
	defer sessions.close()
	plan := newSchedule(time.Now(), config.Warmup, config.Duration, config.Rate, config.Batch)
	lanes := make([]*lane, config.Connections)
	for i := range lanes {
		lanes[i] = newLane(i, plan, config, sessions)
	}
	meter := newMeter(config.ServerPID)
	group, running := errgroup.WithContext(ctx)
	for _, l := range lanes {
		group.Go(func() error {
			if config.Client == Light {
				return sendLight(running, config, l)
			}
			return sendOrdinary(running, config, l)
		})
	}
	group.Go(func() error { return meter.between(running, plan.measure, plan.end) })
	if err := group.Wait(); err != nil {
		return Result{}, fmt.Errorf("bench: %w", err)
	}
	result := resultOf(config, lanes, meter)
	if !config.NoCheck {
		if err := audit(ctx, sessions, lanes, &result); err != nil {
			return result, err
		}
	}
	return result, nil
}
