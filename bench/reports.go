package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// lateReports is how long after the last order a report may come.
const lateReports = 5 * time.Second

// Reports measures from submitting an order to the arrival of its first execution
// report on the same user's stream, with one order due every 1/Rate seconds from
// the users by turns. The orders are those of [Orders]; every user is a client with a
// stream of its own.
func Reports(ctx context.Context, config OrdersConfig) (Result, error) {
	config.Rate = cmp.Or(config.Rate, 1000)
	config.Client, config.Connections, config.Batch = GRPC, len(config.Market.Users), 1
	config, err := config.withDefaults()
	if err != nil {
		return Result{}, err
	}
	users, err := signIn(ctx, config.Target.Venue, config.Market.Users...)
	if err != nil {
		return Result{}, err
	}
	defer closeAll(users)
	r := &reporter{sent: map[string]time.Time{}}
	stop, err := r.follow(ctx, users)
	if err != nil {
		return Result{}, errors.Join(err, stop())
	}
	r.plan = newSchedule(time.Now(), config.Warmup, config.Duration, config.Rate, config.Batch)
	lanes, meter, err := sendAll(ctx, config, r.plan, users, func(ctx context.Context, l *lane) error {
		// Each client trades for its own user alone, every second one sells.
		u := users[l.index]
		l.pair = [2]*session{u, u}
		return r.send(ctx, l, l.index%2 == 1)
	})
	if err == nil {
		err = r.last(ctx)
	}
	if err = errors.Join(err, stop()); err != nil {
		return Result{}, fmt.Errorf("bench: %w", err)
	}
	result := resultOf(config, lanes, meter)
	r.finish(&result)
	return result, nil
}

// reporter matches reports with orders.
type reporter struct {
	plan *schedule

	mu sync.Mutex // protects what follows
	// sent holds when each order was submitted, until its report has come; zero
	// for one that was not answered.
	sent       map[string]time.Time
	latency    histogram
	arrived    uint64
	duplicated uint64
	ended      bool          // the last order was answered
	empty      chan struct{} // closed when the last report has come
}

// follow attaches a stream for every user and returns when all are live. stop ends the
// streams and waits for them.
func (r *reporter) follow(ctx context.Context, users []*session) (stop func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	group, streams := errgroup.WithContext(ctx)
	stop = func() error {
		cancel()
		if err := group.Wait(); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
	live := make(chan struct{}, len(users))
	for _, u := range users {
		group.Go(func() error { return r.receive(streams, u.client, live) })
	}
	for range users {
		select {
		case <-live:
		case <-streams.Done():
			return stop, context.Cause(streams)
		}
	}
	return stop, nil
}

// receive follows one user's stream until ctx ends.
func (r *reporter) receive(ctx context.Context, c *client.Client, live chan<- struct{}) error {
	started := false
	for update, err := range c.Feed(ctx, client.FeedOptions{}) {
		if err != nil {
			return err
		}
		if update.Message.GetSnapshotEnd() != nil && !started {
			started = true
			live <- struct{}{}
		}
		report := update.Message.GetExecutionReport()
		if report.GetExecType() == todokuv1.ExecType_EXEC_TYPE_NEW || report.GetExecType() == todokuv1.ExecType_EXEC_TYPE_REJECTED {
			r.report(report.GetOrder().GetClientOrderId(), time.Now())
		}
	}
	return nil
}

// report takes the first report of an order.
func (r *reporter) report(id string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sent, ok := r.sent[id]
	if !ok {
		r.duplicated++
		return
	}
	delete(r.sent, id)
	if !sent.IsZero() && !sent.Before(r.plan.measure) {
		r.latency.record(now.Sub(sent))
		r.arrived++
	}
	if r.ended && len(r.sent) == 0 {
		close(r.empty)
	}
}

// send submits one user's orders when they are due. All users share one schedule; each due
// order goes to a user who is free.
func (r *reporter) send(ctx context.Context, l *lane, seller bool) error {
	orders := l.pair[0].client.Orders()
	return l.keepPace(ctx, func(q request) error {
		if q.side = todokuv1.Side_SIDE_BUY; seller {
			q.side = todokuv1.Side_SIDE_SELL
		}
		message := l.order(&q, q.first)
		q.sent = time.Now()
		r.mu.Lock()
		r.sent[message.GetClientOrderId()] = q.sent
		r.mu.Unlock()
		reply, err := orders.PlaceOrder(ctx, message)
		if err != nil {
			r.mu.Lock()
			r.sent[message.GetClientOrderId()] = time.Time{} // Whether the venue has the order is not known.
			r.mu.Unlock()
		}
		l.done(&q, []answered{answerOf(reply.GetAnswer())}, reply.GetAnswer().GetCursor(), err)
		return nil
	})
}

// last waits for the reports that are still missing, up to a deadline.
func (r *reporter) last(ctx context.Context) error {
	r.mu.Lock()
	r.ended, r.empty = true, make(chan struct{})
	missing := len(r.sent)
	r.mu.Unlock()
	if missing == 0 {
		return nil
	}
	if err := waitFor(ctx, r.empty, lateReports); ctx.Err() != nil {
		return err
	}
	return nil
}

// finish enters the figures. The streams must have ended.
func (r *reporter) finish(result *Result) {
	lost := uint64(0)
	for _, sent := range r.sent {
		if !sent.IsZero() {
			lost++
		}
	}
	result.Work, result.Client, result.InFlight, result.Batch = "reports", "", 0, 0
	result.Lost, result.Duplicated = &lost, &r.duplicated
	result.DeliveriesPerSecond = float64(r.arrived) / result.Seconds
	result.P50, result.P99, result.P999, result.Most = r.latency.summary()
}
