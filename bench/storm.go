package bench

import (
	"context"
	"time"
)

// StormResult is what came of all clients returning at once.
type StormResult struct {
	// Missed is how many events were announced while all were away.
	Missed int `json:"missed"`
	// CaughtUp is from the first connection that is opened again to the last event
	// at the last client, Attached to the last client's attach.
	CaughtUp float64 `json:"caught_up_ms"`
	Attached float64 `json:"attached_ms"`
	// CPU within that time; the server's only where its process is known.
	ServerCPU *float64 `json:"server_cpu_seconds,omitempty"`
	OwnCPU    float64  `json:"generator_cpu_seconds"`
}

// away is how long all clients stay away.
const away = time.Second

const (
	// stormDeadline is how long they may take to catch up.
	stormDeadline = 60 * time.Second
	// nothingMore is how long after the last arrival, all being attached, no other
	// is waited for.
	nothingMore = 3 * time.Second
)

// Storm attaches clients, cuts all their connections at once, announces events
// while they are away, lets all come back at once, each resuming after what it
// received last, and measures until every client has every event. Rate, Burst and
// the times of the configuration mean nothing here.
func Storm(ctx context.Context, config PushConfig, missed int) (PushResult, error) {
	if missed == 0 {
		const standard = 20
		missed = standard
	}
	// The events are one burst.
	config.Rate, config.Burst, config.InFlight = 0, missed, 1
	r, err := newPushRun(ctx, config)
	if err != nil {
		return PushResult{}, err
	}
	defer r.close()
	if err := r.clients.attach(ctx); err != nil {
		return PushResult{}, err
	}
	p, err := r.leave(ctx)
	if err != nil {
		return PushResult{}, err
	}
	m := newMeter(r.config.ServerPID)
	if err := m.read(); err != nil {
		return PushResult{}, err
	}
	storm, err := r.comeBack(ctx, p, m)
	if err != nil {
		return PushResult{}, err
	}
	storm.Missed = missed
	result := r.blank("storm")
	result.Seconds, result.Storm = storm.CaughtUp/float64(time.Second/time.Millisecond), storm
	r.verify(&result, p)
	return result, nil
}

// leave cuts all connections and announces what will have been missed.
func (r *pushRun) leave(ctx context.Context) (*publisher, error) {
	left := time.Now()
	r.clients.cut()
	p, err := newPublisher(ctx, r.config.Venue, r.admin.users[0], r.run, r.clients.start, r.config.Payload, r.config.Burst, 1)
	if err != nil {
		return nil, err
	}
	// The only burst in flight does not arrive before the schedule ends.
	if err := p.publish(ctx, ctx, newSchedule(left, 0, away, 0, r.config.Burst)); err != nil {
		return nil, err
	}
	sleeper := newSleeper()
	defer sleeper.stop()
	return p, sleeper.until(ctx, left.Add(away))
}

// comeBack attaches all and reads until each has what it missed.
func (r *pushRun) comeBack(ctx context.Context, p *publisher, m *meter) (*StormResult, error) {
	began := time.Now()
	if err := r.clients.attach(ctx); err != nil {
		return nil, err
	}
	attached := r.clients.now()
	sent, acked := p.outcome()
	// A client whose replay was not possible never is whole; what it misses is lost.
	_, err := r.clients.until(ctx, attached+stormDeadline, func() bool {
		return r.tally.whole(sent, acked) || r.clients.now() > max(r.tally.last, attached)+nothingMore
	})
	if err != nil {
		return nil, err
	}
	if err := m.read(); err != nil {
		return nil, err
	}
	since := began.Sub(r.clients.start)
	storm := &StormResult{Attached: milliseconds(attached - since), CaughtUp: milliseconds(max(r.tally.last, attached) - since)}
	storm.OwnCPU = m.own.Seconds()
	if m.known {
		server := m.server.Seconds()
		storm.ServerCPU = &server
	}
	return storm, nil
}
