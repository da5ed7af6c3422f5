package client

import (
	"context"
	"sync"
	"time"

	todokuv1 "todoku/gen/todoku/v1"
)

// receipts tells the venue what has been processed on a stream: the latest only,
// after a heartbeat or when the interval is over. Processing never waits for it.
type receipts struct {
	client *Client
	wake   chan struct{} // Holds one; more than one is not worth more.

	mu      sync.Mutex // protects what follows
	pending *todokuv1.AcknowledgeNotificationsRequest
	number  uint64    // Of the last response whose receipt was taken,
	at      time.Time // and when.

	// Of the goroutine that processes.
	interval time.Duration
	sent     time.Time
}

// defaultReceipts is half of the longest interval that the protocol allows.
const defaultReceipts = 7 * time.Second

func newReceipts(c *Client) *receipts {
	return &receipts{client: c, wake: make(chan struct{}, 1), interval: defaultReceipts, sent: time.Now()}
}

// every takes the venue's interval and halves it, so that one lost receipt does
// not matter.
func (r *receipts) every(interval time.Duration) {
	if interval > 0 {
		r.interval = interval / 2
	}
}

// processed says that a response is done with, and whether a heartbeat was in it.
func (r *receipts) processed(connection string, attach, number uint64, heartbeat bool) {
	now := time.Now()
	if !heartbeat && now.Sub(r.sent) < r.interval {
		return
	}
	r.sent = now
	r.mu.Lock()
	r.pending = &todokuv1.AcknowledgeNotificationsRequest{ConnectionId: connection, AttachNumber: attach, ResponseNumber: number}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default: // One is on its way and will take the latest along.
	}
}

// run sends receipts until ctx ends.
func (r *receipts) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		r.mu.Lock()
		request := r.pending
		r.mu.Unlock()
		// A receipt that is lost is made good by the next; a venue that refuses it
		// ends the stream and says why there.
		if _, err := r.client.Notifications().AcknowledgeNotifications(ctx, request); err == nil {
			r.mu.Lock()
			r.number, r.at = request.GetResponseNumber(), time.Now()
			r.mu.Unlock()
		}
	}
}

// taken returns the last response whose receipt the venue took, and when; 0 for none.
func (r *receipts) taken() (number uint64, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.number, r.at
}
