package client

import (
	"context"
	"fmt"
	"strings"
	"time"

	todokuv1 "todoku/gen/todoku/v1"
)

// Resyncing: what a feed does when a heartbeat's digest shows that what it handed on
// is not what the venue holds. That is a defect of somebody's, so the feed says so
// ([ReasonDiverged]) and begins anew with a snapshot, which the program is given like
// any other after a Reset. Events that fell into the gap between the heartbeat and
// the snapshot are fetched and handed on first: a snapshot has their outcome only.

// A defect may be there to stay, and a snapshot is what costs a venue most: the first
// is asked for at once, the next not before firstResync, then after twice as long
// each time. A digest that is right again puts an end to that.
const (
	firstResync = time.Minute
	mostResync  = time.Hour
	// catchUpPage is how many of the events in the gap are asked for at once.
	catchUpPage = 1000
)

// proof holds a feed against the venue's digests. The feed's goroutine uses it.
type proof struct {
	holdings holdings
	wait     time.Duration // After the latest resync.
	next     time.Time     // No resync before it.

	// after is where the feed stood when the resync under way began, "" when none is,
	// and caught the sequence up to which the gap behind it was handed on.
	after  string
	caught uint64
	why    string // For people.
}

// divergence says which accounts differ.
type divergence struct{ accounts []string }

func (d *divergence) Error() string {
	if len(d.accounts) == 1 && d.accounts[0] == "" {
		return "client: what was handed on of all accounts is not what the venue holds"
	}
	return fmt.Sprintf("client: what was handed on of %s is not what the venue holds", strings.Join(d.accounts, ", "))
}

// resyncs says whether a divergence that was found now is worth a snapshot.
func (p *proof) resyncs(now time.Time) bool {
	if now.Before(p.next) {
		return false
	}
	p.wait = min(max(2*p.wait, firstResync), mostResync)
	p.next = now.Add(p.wait)
	return true
}

// agreed takes note of a digest that was right.
func (p *proof) agreed(now time.Time) {
	if now.After(p.next) {
		p.wait = 0
	}
}

// prove holds what was handed on against the heartbeat in a response, if it has one
// that is for where the feed stands: a stream that takes over begins before that.
func (a *attachment) prove(r *todokuv1.FeedNotificationResponse) error {
	f := a.feed
	if f.cursor != "" { // A resync that was under way has its snapshot.
		f.proof.after, f.proof.caught = "", 0
	}
	if a.skip != 0 || a.handover.heir != nil || r.GetCursor() != f.cursor {
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
			f.proof.agreed(now)
			f.stand(StateLive)
		case f.proof.resyncs(now):
			return &ownEnd{ReasonDiverged, &divergence{accounts}}
		default:
			f.stand(StateDiverged)
		}
	}
	return nil
}

// resync makes the next stream begin with a snapshot, and tells the program why.
func (f *Feed) resync(why string) { f.proof.after, f.proof.why, f.cursor = f.cursor, why, "" }

// prepare takes note of a message that is about to be handed on. The snapshot of a
// resync is preceded by the events that led to it and by what tells the program to
// forget.
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

// catchUp hands on the events between where the feed stood before a resync and its
// snapshot. Where the venue does not have them any more, or does not answer, the
// Reset that follows says what a Reset says.
func (f *Feed) catchUp(ctx context.Context, through uint64, yield func(Update, error) bool) error {
	subscription := f.subscription()
	for after := f.proof.after; ; {
		page, err := f.client.Notifications().ListNotifications(ctx, &todokuv1.ListNotificationsRequest{
			After: after, PageSize: catchUpPage, Subscription: subscription,
		})
		if err != nil {
			return nil //nolint:nilerr // See above.
		}
		for _, m := range page.GetMessages() {
			if m.GetSequence() > through {
				f.proof.caught = through
				return nil
			}
			if m.GetSequence() <= f.proof.caught {
				continue // Handed on before a snapshot that was cut off.
			}
			if !yield(Update{Message: m}, nil) {
				return errStopped
			}
			f.answered(m)
		}
		if n := len(page.GetMessages()); n > 0 {
			f.proof.caught = max(f.proof.caught, page.GetMessages()[n-1].GetSequence())
		}
		if page.GetEnd() {
			f.proof.caught = through
			return nil
		}
		after = page.GetCursor()
	}
}
