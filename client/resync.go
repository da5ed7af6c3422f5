package client

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	todokuv1 "todoku/gen/todoku/v1"
)

// When a heartbeat's digest differs from the client's, something is defective. The feed
// reports it ([ReasonDiverged]) and starts again with a Reset and a snapshot. The events
// between the heartbeat and the snapshot are fetched and delivered before.

// The defect may be permanent, and snapshots are expensive for the venue: the first is
// requested at once, the next after firstResync, then after twice as long each time, until
// a digest matches.
const (
	firstResync = time.Minute
	mostResync  = time.Hour
	// catchUpPage is how many events of the gap are requested at once.
	catchUpPage = 1000
)

// proof compares a feed with the venue's digests. The feed's goroutine uses it.
type proof struct {
	holdings holdings
	wait     time.Duration // After the latest resync.
	next     time.Time     // No resync before it.

	// after is the cursor at which the present resync began, "" without one, and caught
	// the place up to which the events after it were delivered.
	after  string
	caught place
	why    string // For people.
}

// place is a message's place among all: a page of past events may end within a sequence.
type place struct {
	sequence uint64
	index    uint32
}

// includes returns whether a message is not after the place.
func (p place) includes(m *todokuv1.Message) bool {
	return m.GetSequence() < p.sequence || m.GetSequence() == p.sequence && m.GetIndex() <= p.index
}

// resyncs says whether a divergence that is found now is followed by a snapshot.
func (p *proof) resyncs(now time.Time) bool {
	if now.Before(p.next) {
		return false
	}
	p.wait = min(max(2*p.wait, firstResync), mostResync)
	p.next = now.Add(p.wait)
	return true
}

// prove compares what was delivered with the heartbeat in a response, if its cursor is
// the feed's: a stream that takes over begins before that.
func (a *attachment) prove(r *todokuv1.FeedNotificationResponse) error {
	f := a.feed
	if f.cursor != "" { // A resync has received its snapshot.
		f.proof.after, f.proof.caught = "", place{}
	}
	if a.skip != 0 || a.handover.nextStream != nil || r.GetCursor() != f.cursor {
		return nil
	}
	for _, m := range r.GetMessages() {
		digests := m.GetHeartbeat().GetDigests()
		if len(digests) == 0 || !f.proof.holdings.whole {
			continue
		}
		now := time.Now()
		accounts := f.proof.holdings.diverged(digests)
		switch {
		case len(accounts) == 0:
			if now.After(f.proof.next) {
				f.proof.wait = 0
			}
			f.stand(StateLive)
		case f.proof.resyncs(now):
			names := cmp.Or(strings.Join(accounts, ", "), "all accounts")
			return &ownEnd{ReasonDiverged, fmt.Errorf("client: the digest of %s differs from the venue's", names)}
		default:
			f.stand(StateDiverged)
		}
	}
	return nil
}

// resync makes the next stream begin with a snapshot, preceded by a Reset that says why.
func (f *Feed) resync(why string) { f.proof.after, f.proof.why, f.cursor = f.cursor, why, "" }

// prepare records a message before it is delivered. Before the snapshot of a resync it
// delivers the missed events and a Reset.
func (f *Feed) prepare(ctx context.Context, m *todokuv1.Message, yield func(Update, error) bool) error {
	f.proof.holdings.take(m)
	if f.proof.after == "" || m.GetSnapshotBegin() == nil {
		return nil
	}
	if err := f.catchUp(ctx, m.GetSequence(), yield); err != nil {
		return err
	}
	reset := &todokuv1.Message{
		Sequence: m.GetSequence(), Index: m.GetIndex(), Time: m.GetTime(),
		Body: &todokuv1.Message_Reset_{Reset_: &todokuv1.Reset{
			Cause: todokuv1.Reset_CAUSE_DIVERGED, Text: f.proof.why,
		}},
	}
	if !yield(Update{Message: reset}, nil) {
		return errStopped
	}
	return nil
}

// catchUp delivers the events between the cursor before a resync and its snapshot. It
// skips them if the venue no longer has them or does not answer: a Reset follows.
func (f *Feed) catchUp(ctx context.Context, through uint64, yield func(Update, error) bool) error {
	f.mu.Lock()
	subscription := f.wanted.subscription
	f.mu.Unlock()
	whole := place{through, math.MaxUint32}
	for after := f.proof.after; ; {
		page, err := f.client.Notifications().ListNotifications(ctx, &todokuv1.ListNotificationsRequest{
			After: after, PageSize: catchUpPage, Subscription: subscription,
		})
		if err != nil {
			return nil //nolint:nilerr // See above.
		}
		for _, m := range page.GetMessages() {
			if m.GetSequence() > through {
				f.proof.caught = whole
				return nil
			}
			if f.proof.caught.includes(m) {
				continue // Delivered before a snapshot that was cut off.
			}
			if !yield(Update{Message: m}, nil) {
				return errStopped
			}
			f.answered(m)
		}
		if n := len(page.GetMessages()); n > 0 && !f.proof.caught.includes(page.GetMessages()[n-1]) {
			last := page.GetMessages()[n-1]
			f.proof.caught = place{last.GetSequence(), last.GetIndex()}
		}
		if page.GetEnd() {
			f.proof.caught = whole
			return nil
		}
		after = page.GetCursor()
	}
}
