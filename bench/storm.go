package bench

import (
	"context"
	"time"
)

// StormResult is how long it took all clients to return at once.
type StormResult struct {
	// Missed is how many events were announced while all were away.
	Missed int `json:"missed"`
	// CaughtUp is the time from the first reopened connection to the last event at the
	// last client, Attached that from there to the last client's attach.
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
	// nothingMore is how long after the last arrival no further one is expected, once all
	// are attached.
	nothingMore = 3 * time.Second
)

// storm is [WorkStorm].
func (r *pushRun) storm(ctx context.Context) (Result, error) {
	if err := r.clients.attach(ctx); err != nil {
		return Result{}, err
	}
	if err := r.leave(ctx); err != nil {
		return Result{}, err
	}
	if err := r.meter.read(); err != nil {
		return Result{}, err
	}
	storm, err := r.comeBack(ctx)
	if err != nil {
		return Result{}, err
	}
	result := r.blank()
	result.Seconds, result.Storm = storm.CaughtUp/float64(time.Second/time.Millisecond), storm
	r.verify(&result)
	return result, nil
}

// leave cuts all connections and announces the events that the clients miss.
func (r *pushRun) leave(ctx context.Context) (err error) {
	left := time.Now()
	r.clients.cut()
	if r.publisher, err = newPublisher(ctx, r, true); err != nil {
		return err
	}
	// The only burst in flight does not arrive before the schedule ends.
	if err := r.publisher.publish(ctx, ctx, newSchedule(left, 0, away, 0, r.config.Burst)); err != nil {
		return err
	}
	return new(sleeper).until(ctx, left.Add(away))
}

// comeBack attaches all and reads until each has what it missed.
func (r *pushRun) comeBack(ctx context.Context) (*StormResult, error) {
	since := r.clients.now()
	if err := r.clients.attach(ctx); err != nil {
		return nil, err
	}
	attached := r.clients.now()
	// A client that could not replay never gets everything; the result counts that as lost.
	_, err := r.clients.until(ctx, attached+stormDeadline, func() bool {
		return r.whole() || r.clients.now() > max(r.tally.last, attached)+nothingMore
	})
	if err != nil {
		return nil, err
	}
	if err := r.meter.read(); err != nil {
		return nil, err
	}
	storm := &StormResult{
		Missed: r.config.Missed, Attached: milliseconds(attached - since), CaughtUp: milliseconds(max(r.tally.last, attached) - since),
		OwnCPU: r.meter.own.Seconds(),
	}
	if r.meter.pid != 0 {
		server := r.meter.server.Seconds()
		storm.ServerCPU = &server
	}
	return storm, nil
}
