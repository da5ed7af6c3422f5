package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"golang.org/x/sync/errgroup"
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
	// Target is the venue.
	Target Target
	// Market is the instrument and the users who trade it; see [Prepare].
	Market Market
	// Client sends; GRPC. [Reports] always uses grpc-go.
	Client Client
	// Connections is how many TCP connections send, 4. Their requests alternate
	// between a user who buys and one who sells. [Reports] has one for each user.
	Connections int
	// InFlight is how many requests of a connection may wait for their answers, 64.
	InFlight int
	// Batch is how many orders a request carries, 1 to 1,000: one is a PlaceOrder,
	// more are a PlaceOrders. 1, as always for [Reports].
	Batch int
	// Rate is how many orders a second are due in all; 0 for as many as possible, which
	// is 1,000 for [Reports].
	Rate int
	// Warmup passes before anything is measured; 1 s.
	Warmup time.Duration
	// Duration is the measured time, at most 10 min; 10 s.
	Duration time.Duration
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
	c.Client = cmp.Or(c.Client, GRPC)
	c.Connections, c.InFlight, c.Batch = cmp.Or(c.Connections, 4), cmp.Or(c.InFlight, 64), cmp.Or(c.Batch, 1)
	c.Warmup, c.Duration = cmp.Or(c.Warmup, standardWarmup), cmp.Or(c.Duration, standardDuration)
	return c, cmp.Or(
		must(c.Client == GRPC || c.Client == Light, "client is %q; it must be %s or %s", c.Client, GRPC, Light),
		within("connections", c.Connections, 1, maxConnections),
		within("requests in flight", c.InFlight, 1, maxBatch),
		within("orders in a batch", c.Batch, 1, maxBatch),
		within("users, of whom half buy and half sell", len(c.Market.Users), 2, math.MaxInt),
		validTimes(c.Rate, c.Warmup, c.Duration),
	)
}

const (
	standardWarmup   = time.Second
	standardDuration = 10 * time.Second
)

// must returns an error with the text unless a setting is valid.
func must(valid bool, format string, args ...any) error {
	if valid {
		return nil
	}
	return fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...)
}

func within(name string, value, least, most int) error {
	return must(value >= least && value <= most, "%s: %d; the least is %d, the most %d", name, value, least, most)
}

func validTimes(rate int, warmup, duration time.Duration) error {
	return cmp.Or(
		must(rate >= 0, "rate is %d; it must not be negative", rate),
		must(warmup >= 0 && duration >= 0 && warmup+duration <= maxDuration,
			"warm-up and duration are %s and %s; together they may be at most %s", warmup, duration, maxDuration))
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
	users, err := signIn(ctx, config.Target.Venue, config.Market.Users...)
	if err != nil {
		return Result{}, err
	}
	defer closeAll(users)
	send := sendOrdinary
	if config.Client == Light {
		send = sendLight
	}
	plan := newSchedule(time.Now(), config.Warmup, config.Duration, config.Rate, config.Batch)
	lanes, meter, err := sendAll(ctx, config, plan, users, func(ctx context.Context, l *lane) error { return send(ctx, config, l) })
	if err != nil {
		return Result{}, fmt.Errorf("bench: %w", err)
	}
	result := resultOf(config, lanes, meter)
	if !config.NoCheck {
		if err := audit(ctx, users, lanes, &result); err != nil {
			return result, err
		}
	}
	return result, nil
}

// sendAll sends the requests of all connections, and measures meanwhile.
func sendAll(ctx context.Context, config OrdersConfig, plan *schedule, users []*session, send func(context.Context, *lane) error) ([]*lane, *meter, error) {
	lanes, meter := make([]*lane, config.Connections), &meter{pid: config.Target.PID}
	group, ctx := errgroup.WithContext(ctx)
	for i := range lanes {
		l := newLane(i, plan, config, users)
		lanes[i] = l
		group.Go(func() error { return send(ctx, l) })
	}
	group.Go(func() error { return meter.between(ctx, plan.measure, plan.end) })
	return lanes, meter, group.Wait()
}
