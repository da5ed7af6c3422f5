package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// ReportsConfig says how to measure the way from an order to its execution report.
// The zero value of a field takes the default that is named beside it.
type ReportsConfig struct {
	// Venue is where the venue is.
	Venue client.Config
	// Market is where and by whom is traded; every user is a client with a stream
	// of its own. See [Prepare].
	Market Market
	// Rate is how many orders a second are due in all; 1,000.
	Rate int
	// Warmup passes before anything is measured; 1 s.
	Warmup time.Duration
	// Duration is how long is measured, at most 10 min; 10 s.
	Duration time.Duration
	// ServerPID is the venue's process on this machine, whose CPU is measured; 0
	// to leave that out.
	ServerPID int
}

// lateReports is how long after the last order a report may come.
const lateReports = 5 * time.Second

// Reports measures from submitting an order to the arrival of its first execution
// report on the same user's stream, with one order due every 1/Rate seconds from
// the users by turns. The orders are those of [Orders].
func Reports(ctx context.Context, config ReportsConfig) (Result, error) {
	if config.Rate == 0 {
		const standard = 1000
		config.Rate = standard
	}
	load, err := OrdersConfig{
		Venue: config.Venue, Market: config.Market, Connections: max(len(config.Market.Users), 1), Batch: 1, Rate: config.Rate,
		Warmup: config.Warmup, Duration: config.Duration,
	}.withDefaults()
	if err != nil {
		return Result{}, err
	}
	all, err := signIn(ctx, config.Venue, config.Market.Users)
	if err != nil {
		return Result{}, err
	}
	defer all.close()
	r := &reporter{sent: map[string]time.Time{}}
	streams, err := r.follow(ctx, all)
	if err != nil {
		return Result{}, errors.Join(err, streams.end())
	}
	plan := newSchedule(time.Now(), load.Warmup, load.Duration, load.Rate, load.Batch)
	r.plan = plan
	m := newMeter(config.ServerPID)
	lanes := make([]*lane, len(all.users))
	senders, running := errgroup.WithContext(ctx)
	for i, u := range all.users {
		lanes[i] = newLane(i, plan, load, all)
		// Each client trades for its own user alone, on the side of its place.
		lanes[i].pair = [2]*session{u, u}
		senders.Go(func() error { return r.send(running, lanes[i], i%2 == 1) })
	}
	senders.Go(func() error { return m.between(running, plan.measure, plan.end) })
	err = senders.Wait()
	if err == nil {
		err = r.last(ctx)
	}
	if err = errors.Join(err, streams.end()); err != nil {
		return Result{}, fmt.Errorf("bench: %w", err)
	}
	result := resultOf(load, lanes, m)
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

// follow attaches a stream for every user and returns when all are live.
func (r *reporter) follow(ctx context.Context, all *sessions) (*followers, error) {
	ctx, cancel := context.WithCancel(ctx)
	group, streams := errgroup.WithContext(ctx)
	f := &followers{group: group, cancel: cancel}
	live := make(chan struct{}, len(all.users))
	for _, u := range all.users {
		group.Go(func() error { return r.receive(streams, u.client, live) })
	}
	for range all.users {
		select {
		case <-live:
		case <-streams.Done():
			return f, context.Cause(streams)
		}
	}
	return f, nil
}

// followers are the goroutines that receive.
type followers struct {
	group  *errgroup.Group
	cancel context.CancelFunc
}

// end ends the streams and waits for them.
func (f *followers) end() error {
	f.cancel()
	if err := f.group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
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

// send submits one user's orders when they are due. Users draw from one schedule;
// whoever is free takes the next.
func (r *reporter) send(ctx context.Context, l *lane, seller bool) error {
	sleeper := newSleeper()
	defer sleeper.stop()
	orders := l.pair[0].client.Orders()
	for {
		q, ok := l.next()
		if !ok {
			return nil
		}
		if q.side = todokuv1.Side_SIDE_BUY; seller {
			q.side = todokuv1.Side_SIDE_SELL
		}
		if err := sleeper.until(ctx, q.due); err != nil {
			return err
		}
		message := l.order(&q, q.first)
		q.sent = time.Now()
		r.mu.Lock()
		r.sent[message.GetClientOrderId()] = q.sent
		r.mu.Unlock()
		reply, err := orders.PlaceOrder(ctx, message)
		if err != nil {
			r.mu.Lock()
			r.sent[message.GetClientOrderId()] = time.Time{} // It may have happened or not.
			r.mu.Unlock()
		}
		l.done(&q, []answered{answerOf(reply.GetAnswer())}, reply.GetAnswer().GetCursor(), err)
	}
}

// last waits for the reports that are still missing, but not for ever.
func (r *reporter) last(ctx context.Context) error {
	r.mu.Lock()
	r.ended, r.empty = true, make(chan struct{})
	missing := len(r.sent)
	r.mu.Unlock()
	if missing == 0 {
		return nil
	}
	timer := time.NewTimer(lateReports)
	defer timer.Stop()
	select {
	case <-r.empty:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// finish writes down what came of it. The streams have ended.
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
	result.latencies(&r.latency)
}
