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
	wake   chan struct{}
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu       sync.Mutex // protects what follows
	pending  *todokuv1.AcknowledgeNotificationsRequest
	interval time.Duration
	sent     time.Time
}

// defaultReceipts is half of the longest interval that the protocol allows.
const defaultReceipts = 7 * time.Second

// newReceipts starts the goroutine that sends; stop ends it and waits for it.
func newReceipts(ctx context.Context, c *Client) *receipts {
	ctx, cancel := context.WithCancel(ctx)
	r := &receipts{client: c, wake: make(chan struct{}, 1), cancel: cancel, interval: defaultReceipts, sent: time.Now()}
	r.ended.Go(func() { r.run(ctx) })
	return r
}

func (r *receipts) stop() {
	r.cancel()
	r.ended.Wait()
}

// every takes the venue's interval and halves it, so that one lost receipt does
// not matter.
func (r *receipts) every(interval time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if interval > 0 {
		r.interval = interval / 2
	}
}

// processed says that a response is done with.
func (r *receipts) processed(connection string, attach, number uint64, heartbeat bool) {
	r.mu.Lock()
	r.pending = &todokuv1.AcknowledgeNotificationsRequest{ConnectionId: connection, AttachNumber: attach, ResponseNumber: number}
	due := heartbeat || time.Since(r.sent) >= r.interval
	if due {
		r.sent = time.Now()
	}
	r.mu.Unlock()
	if !due {
		return
	}
	select {
	case r.wake <- struct{}{}:
	default: // One is on its way and will take the latest along.
	}
}

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
		_, _ = r.client.Notifications().AcknowledgeNotifications(ctx, request)
	}
}
