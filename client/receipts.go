package client

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	todokuv1 "todoku/gen/todoku/v1"
)

// receipts tells the venue what has been processed on a stream: the latest only,
// after a heartbeat or when the interval is over. Processing never waits for it.
type receipts struct {
	client *Client
	wake   chan struct{} // Holds one; more than one is not worth more.

	mu        sync.Mutex // protects what follows
	pending   todokuv1.AcknowledgeNotificationsRequest
	painted   uint64    // The last response that was on the screen, 0 for none,
	paintedAt time.Time // and when.
	number    uint64    // Of the last response whose receipt was taken,
	at        time.Time // and when.

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
	r.mu.Lock()
	r.pending.ConnectionId, r.pending.AttachNumber, r.pending.ResponseNumber = connection, attach, number
	r.mu.Unlock()
	if !heartbeat && now.Sub(r.sent) < r.interval {
		return
	}
	r.sent = now
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
		request := r.receipt(time.Now())
		// A receipt that is lost is made good by the next; a venue that refuses it
		// ends the stream and says why there.
		if _, err := r.client.Notifications().AcknowledgeNotifications(ctx, request); err == nil {
			r.mu.Lock()
			r.number, r.at = request.GetResponseNumber(), time.Now()
			r.mu.Unlock()
		}
	}
}

// receipt says what has been processed by now, and when what of it was painted.
func (r *receipts) receipt(now time.Time) *todokuv1.AcknowledgeNotificationsRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	request := proto.CloneOf(&r.pending)
	if r.painted > 0 {
		request.PaintedNumber, request.PaintedAgo = r.painted, durationpb.New(max(0, now.Sub(r.paintedAt)))
	}
	return request
}

// paint says that all that has been processed is on the screen.
func (r *receipts) paint(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if number := r.pending.GetResponseNumber(); number > r.painted { // What is there already was there before.
		r.painted, r.paintedAt = number, now
	}
}

// Painted says that what has been handed on is on the screen now: all responses whose
// updates have been processed, so not the one of the update that the loop is at. The
// next receipt tells the venue, which then counts how old what people see is. A
// program without a screen does not call it.
func (f *Feed) Painted() {
	f.mu.Lock()
	r := f.receipts
	f.mu.Unlock()
	if r != nil {
		r.paint(time.Now())
	}
}

// taken returns the last response whose receipt the venue took, and when; 0 for none.
func (r *receipts) taken() (number uint64, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.number, r.at
}
