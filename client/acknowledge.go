package client

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	todokuv1 "todoku/gen/todoku/v1"
)

// acknowledger sends the venue the number of the last processed response, after a
// heartbeat or when the interval is over. Processing never waits for it.
type acknowledger struct {
	client *Client
	wake   chan struct{} // Holds one.

	mu        sync.Mutex // protects what follows
	pending   todokuv1.AcknowledgeNotificationsRequest
	painted   uint64 // The last response that was on the screen; 0 for none.
	paintedAt time.Time

	// Of the goroutine that processes.
	interval time.Duration
	sent     time.Time

	// Of the goroutine that sends.
	number uint64    // Of the last accepted acknowledgement.
	at     time.Time // When it was accepted.
}

// defaultAcknowledge is half of the longest interval that the protocol allows.
const defaultAcknowledge = 7 * time.Second

func newAcknowledger(c *Client) *acknowledger {
	return &acknowledger{client: c, wake: make(chan struct{}, 1), interval: defaultAcknowledge, sent: time.Now()}
}

// processed records that a response was processed, and whether it had a heartbeat.
func (r *acknowledger) processed(connection string, attach, number uint64, heartbeat bool) {
	now := time.Now()
	r.mu.Lock()
	r.pending.ConnectionId, r.pending.AttachNumber, r.pending.ResponseNumber = connection, attach, number
	r.mu.Unlock()
	if !heartbeat && now.Sub(r.sent) < r.interval {
		return
	}
	r.sent = now
	select {
	case r.wake <- struct{}{}:
	default: // The next acknowledgement is due already and includes this response.
	}
}

// run sends acknowledgements until ctx ends.
func (r *acknowledger) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		request := r.request()
		// The next acknowledgement replaces a lost one. A venue that refuses it ends the
		// stream with a reason.
		if _, err := r.client.Notifications().AcknowledgeNotifications(ctx, request); err == nil {
			r.number, r.at = request.GetResponseNumber(), time.Now()
		}
	}
}

// request acknowledges what has been processed and painted.
func (r *acknowledger) request() *todokuv1.AcknowledgeNotificationsRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	request := proto.CloneOf(&r.pending)
	if r.painted > 0 {
		request.PaintedNumber, request.PaintedAgo = r.painted, durationpb.New(time.Since(r.paintedAt))
	}
	return request
}

// Painted records that all processed updates are on the screen; the update of the present
// pass of the loop is not processed yet. The next acknowledgement reports it to the venue,
// which measures how old the shown data is. A program without a screen does not call it.
func (f *Feed) Painted() {
	f.mu.Lock()
	r := f.acks
	f.mu.Unlock()
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if number := r.pending.GetResponseNumber(); number > r.painted {
		r.painted, r.paintedAt = number, time.Now()
	}
}
