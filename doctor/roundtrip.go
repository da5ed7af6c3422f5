package doctor

import (
	"context"
	"slices"
	"time"
)

// The methods that need no session.
const (
	methodCheck = "/grpc.health.v1.Health/Check"
	methodWatch = "/grpc.health.v1.Health/Watch"
)

// pace is the interval of the rounds.
const pace = 10 * time.Millisecond

// roundTrips measures PINGs and calls on one connection, in turn: because of the call
// between two PINGs, the venue does not count them as too many.
func (x *examination) roundTrips(ctx context.Context) {
	x.say("measuring %d round trips", x.config.Rounds)
	w, err := x.dial(ctx)
	if err == nil {
		err = x.measure(ctx, w)
		w.close()
	}
	if err != nil {
		x.report.RoundTrips.Error = err.Error()
	}
}

func (x *examination) measure(ctx context.Context, w *wire) error {
	// On a slow path the measurement must not take much longer than the watching of streams.
	ctx, cancel := context.WithTimeout(ctx, x.config.Duration/4+x.config.Patience)
	defer cancel()
	r := &x.report.RoundTrips
	var pings, calls []time.Duration
	defer func() { r.Pings, r.Calls = spread(pings), spread(calls) }()
	next := time.NewTicker(pace)
	defer next.Stop()
	for range x.config.Rounds {
		began := time.Now()
		answer, err := w.check(ctx)
		if err != nil {
			return err
		}
		r.Health = answer.end
		if r.Foreign == nil {
			r.Foreign = answer.foreign
		}
		if !answer.end.ok() {
			return nil
		}
		calls = append(calls, time.Since(began))
		trip, err := w.ping(ctx)
		if err != nil {
			return err
		}
		pings = append(pings, trip)
		select {
		case <-next.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// spread sorts what was measured.
func spread(all []time.Duration) Spread {
	if len(all) == 0 {
		return Spread{}
	}
	slices.Sort(all)
	const middle, late = 50, 95
	at := func(percent int) Millis { return Millis(all[(len(all)-1)*percent/100]) }
	return Spread{Count: len(all), Min: Millis(all[0]), P50: at(middle), P95: at(late), Max: Millis(all[len(all)-1])}
}
