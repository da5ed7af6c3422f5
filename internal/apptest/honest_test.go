package apptest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// honest is a client that trades while others break the rules. It enters one order after
// the other, waits for the report of each, acknowledges as required, and checks its stream:
// every response follows the one before it, every report comes once.
type honest struct {
	name    string
	desktop *apptest.Desktop
	stream  grpc.ServerStreamingClient[todokuv1.FeedNotificationResponse]
	attach  uint64
	reports chan string // The orders that were reported as new, in order.

	mu     sync.Mutex // Protects the fields below.
	before bool       // Nobody attacks yet.
	calm   []time.Duration
	siege  []time.Duration
}

// newHonest signs in and attaches.
func newHonest(t *testing.T, address, user string) *honest {
	t.Helper()
	h := &honest{name: user, desktop: apptest.NewDesktop(t, address), reports: make(chan string, 16), before: true}
	h.desktop.SignIn(user)
	stream, err := h.desktop.Notifications.FeedNotification(t.Context(), &request{ConnectionId: h.desktop.Connection, InstanceId: "honest"})
	if err != nil {
		t.Fatal(err)
	}
	h.stream = stream
	return h
}

// setUnderAttack counts later measurements as measured under attack.
func (h *honest) setUnderAttack() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.before = false
}

// run trades until stop is closed. The error names a broken promise.
func (h *honest) run(ctx context.Context, stop <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read := make(chan error, 1)
	go func() { read <- h.read(ctx) }()
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			cancel()
			<-read //nolint:errcheck // It was cut off.
			return nil
		case err := <-read:
			return fmt.Errorf("%s's stream: %w", h.name, err)
		case <-pace.C:
		}
		if err := h.trade(ctx, "h"+strconv.Itoa(n)); err != nil {
			return fmt.Errorf("%s's order %d: %w", h.name, n, err)
		}
	}
}

// errUnreported means that a report was missing or wrong.
var errUnreported = errors.New("the report is missing")

// trade enters an order that neither trades nor stays in the book, and waits for its
// report.
func (h *honest) trade(ctx context.Context, id string) error {
	order := apptest.Limit(id, "USDJPY", buy, "1", "100")
	order.TimeInForce = todokuv1.TimeInForce_TIME_IN_FORCE_IOC
	began := time.Now()
	if _, err := h.desktop.Orders.PlaceOrder(ctx, order); err != nil {
		return err
	}
	patience := time.NewTimer(apptest.Patience)
	defer patience.Stop()
	select {
	case got := <-h.reports:
		if got != id {
			return fmt.Errorf("%w: %s came instead of %s", errUnreported, got, id)
		}
	case <-patience.C:
		return errUnreported
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if took := time.Since(began); h.before {
		h.calm = append(h.calm, took)
	} else {
		h.siege = append(h.siege, took)
	}
	return nil
}

// errBroken means that a response does not continue the one before it.
var errBroken = errors.New("the chain of responses is broken")

func (h *honest) read(ctx context.Context) error {
	last := &todokuv1.FeedNotificationResponse{}
	for {
		r, err := h.stream.Recv()
		if err != nil {
			return err
		}
		if r.GetNumber() != last.GetNumber()+1 || last.GetNumber() > 0 && r.GetPreviousCursor() != last.GetCursor() {
			return fmt.Errorf("%w: %d after %s follows %d at %s", errBroken, r.GetNumber(), r.GetPreviousCursor(), last.GetNumber(), last.GetCursor())
		}
		last = r
		for _, m := range r.GetMessages() {
			if hello := m.GetHello(); hello != nil {
				h.attach = hello.GetAttachNumber()
			}
			if report := m.GetExecutionReport(); report.GetExecType() == execNew {
				select {
				case h.reports <- report.GetOrder().GetClientOrderId():
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			if m.GetHeartbeat() == nil {
				continue
			}
			if _, err := h.desktop.Notifications.AcknowledgeNotifications(ctx, &todokuv1.AcknowledgeNotificationsRequest{
				ConnectionId: h.desktop.Connection, AttachNumber: h.attach, ResponseNumber: r.GetNumber(),
			}); err != nil {
				return fmt.Errorf("acknowledging: %w", err)
			}
		}
	}
}

// medians returns how long an order's report took, before and under attack.
func (h *honest) medians() (calm, siege time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	middle := func(all []time.Duration) time.Duration {
		slices.Sort(all)
		if len(all) == 0 {
			return 0
		}
		return all[len(all)/2]
	}
	return middle(h.calm), middle(h.siege)
}

// settled reports whether it has measured so many orders before the attack.
func (h *honest) settled(n int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.calm) >= n
}
