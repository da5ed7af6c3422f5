package client

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	todokuv1 "todoku/gen/todoku/v1"
)

// A stream does not live for ever: the venue asks its clients to open another one
// when a stream is old or the venue stops. The next one is made before the last one
// breaks. It is asked to begin where the feed stands, and until it has begun the last
// one goes on delivering; then that is read to its end, and what the next one
// repeats of it is passed over. So no event waits for a connection to be made, none
// is lost and none comes twice. If the next one cannot be had, the last one goes on
// to its end.

// never is when nothing happens.
const never = time.Duration(math.MaxInt64)

// lastWords is how long the last stream is read after the next one has begun. The
// venue ends it at once; one that cannot tell is left, and what it had comes again.
const lastWords = time.Second

// handover is from a stream to the next.
type handover struct {
	planned bool
	at      time.Time // When the next one is opened, or tried again.
	until   time.Time // When the venue ends this one.
	backoff backoff

	heir    *attachment // The next stream, being opened or begun.
	begun   bool
	leaveAt time.Time // Once begun.
	left    error     // What this stream ended with while the next one was being opened.
}

// plan decides when the next stream is opened: some time in the first half of what
// the venue gives, so that clients that were told together do not come together and
// there is time to try again.
func (h *handover) plan(now time.Time, within time.Duration) {
	if h.planned {
		return
	}
	h.planned, h.at, h.until = true, now, now.Add(within)
	if half := within / 2; half > 0 {
		h.at = now.Add(rand.N(half)) //nolint:gosec // Jitter is no secret.
	}
}

// wait returns how long to wait before something is to be done.
func (h *handover) wait(now time.Time) time.Duration {
	switch {
	case h.begun:
		return max(0, h.leaveAt.Sub(now))
	case h.heir != nil:
		return max(0, h.heir.began.Add(helloDeadline).Sub(now))
	case h.planned && h.at.Before(h.until):
		return max(look/10, h.at.Sub(now)) // Or when the stream is settled.
	}
	return never
}

// arrivals are those of the stream that is to take over, until it has begun.
func (h *handover) arrivals() <-chan arrival {
	if h.heir == nil || h.begun {
		return nil
	}
	return h.heir.arrivals
}

// outlives says whether an end of this stream leaves the next one to be waited for.
// The venue may have ended it because of the next one; where it says that the
// client is not wanted any more, it means both.
func (h *handover) outlives(err error) bool {
	switch Reason(err) {
	case ReasonSuperseded, ReasonSessionExpired, ReasonSessionRevoked, ReasonUserSuspended:
		return false
	}
	return h.heir != nil
}

// succeed does what is due for the next stream. An error says that this one is over.
func (a *attachment) succeed(ctx context.Context, now time.Time) error {
	h := &a.handover
	switch {
	case h.begun && h.left != nil:
		return h.left
	case h.begun && !now.Before(h.leaveAt):
		return &ownEnd{reason: ReasonReconnect}
	case h.begun, !h.planned:
		return nil
	case h.heir != nil:
		if now.Before(h.heir.began.Add(helloDeadline)) {
			return nil
		}
		a.giveUp(ctx, &ownEnd{reason: ReasonNoHello}, now)
	}
	switch {
	case h.left != nil:
		return h.left
	// Inside a snapshot there is nothing to begin after.
	case !now.Before(h.at) && h.at.Before(h.until) && a.previous != "":
		h.heir = a.feed.open(ctx, true)
	}
	return nil
}

// greet takes the first that came of the next stream.
func (a *attachment) greet(ctx context.Context, got arrival, now time.Time) {
	h := &a.handover
	if got.err != nil {
		a.giveUp(ctx, got.err, now)
		return
	}
	h.begun, h.leaveAt, h.heir.first = true, now.Add(lastWords), &got
}

// giveUp ends the next stream and plans another.
func (a *attachment) giveUp(ctx context.Context, err error, now time.Time) {
	h := &a.handover
	a.feed.ended(h.heir.close(ctx, err, false))
	h.heir, h.at = nil, now.Add(RetryAfter(err)+h.backoff.next())
}

// leave returns the stream that has taken over from this one, which ended with err;
// nil where the feed is over, or none has.
func (a *attachment) leave(ctx context.Context, err error) *attachment {
	h := &a.handover
	if h.heir == nil {
		return nil
	}
	switch {
	case errors.Is(err, errStopped), ctx.Err() != nil:
		a.feed.ended(h.heir.close(ctx, err, false))
		return nil
	case !h.begun:
		a.feed.ended(h.heir.close(ctx, &ownEnd{reason: ReasonAbandoned}, false))
		return nil
	}
	h.heir.successor = true
	h.heir.overlap(a.feed.cursor)
	return h.heir
}

// overlap says that everything up to cursor has been delivered by another stream.
func (a *attachment) overlap(cursor string) {
	if epoch, sequence, ok := position(cursor); ok && cursor != a.previous {
		if asked, _, ok := position(a.previous); ok && asked == epoch {
			a.skip = sequence
		}
	}
}

// unseen returns what of a response has not been delivered by the stream before, and
// the cursor after it, which never falls behind.
func (a *attachment) unseen(messages []*todokuv1.Message, cursor string) ([]*todokuv1.Message, string) {
	if a.skip == 0 {
		return messages, cursor
	}
	var fresh []*todokuv1.Message
	for _, m := range messages {
		if !isEvent(m) || m.GetSequence() > a.skip {
			fresh = append(fresh, m)
		}
	}
	switch _, sequence, ok := position(cursor); {
	case !ok || sequence < a.skip:
		cursor = a.feed.cursor
	default:
		// What follows is new, also at the same place: what a change of the subscription
		// adds is told there while nothing else happens.
		a.skip = 0
	}
	return fresh, cursor
}

// isEvent says whether a message is of the journal, where each comes once; state
// comes whole with every stream, and again when it changes. A message of a type that
// is not known is passed over by everybody, and may be either.
func isEvent(m *todokuv1.Message) bool {
	switch m.GetBody().(type) {
	case *todokuv1.Message_Hello, *todokuv1.Message_SnapshotBegin, *todokuv1.Message_SnapshotEnd, *todokuv1.Message_Reset_,
		*todokuv1.Message_Heartbeat, *todokuv1.Message_Reconnect, *todokuv1.Message_SessionUpdate,
		*todokuv1.Message_BookBegin, *todokuv1.Message_BookUpdate, *todokuv1.Message_BestBidOffer:
		return false
	}
	return true
}
