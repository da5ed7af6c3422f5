package client

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
)

// The venue asks clients to open another stream when a stream is old or the venue stops.
// The next stream is opened at the feed's cursor while the present one still delivers.
// When it has begun, the present one is read to its end, and events that the next one
// repeats are skipped. So no event is lost, repeated or delayed by connecting. If the next
// stream cannot be opened, the present one goes on to its end.

const never = time.Duration(math.MaxInt64)

// drainTime is how long the present stream is read after the next one has begun. The
// venue normally ends it at once; what it has not delivered by then is replayed.
const drainTime = time.Second

// handover moves a feed from a stream to the next.
type handover struct {
	planned bool
	at      time.Time // When the next one is opened, or tried again.
	until   time.Time // When the venue ends this one.
	backoff backoff

	nextStream *attachment // The next stream, being opened or begun.
	begun      bool
	leaveAt    time.Time // Once begun.
	left       error     // What this stream ended with while the next one was being opened.
}

// plan decides when the next stream is opened: at a random time in the first half of
// what the venue allows, which spreads the clients and leaves time for another try.
func (h *handover) plan(now time.Time, within time.Duration) {
	if h.planned {
		return
	}
	h.planned, h.at, h.until = true, now, now.Add(within)
	if half := within / 2; half > 0 {
		h.at = now.Add(rand.N(half)) //nolint:gosec // Jitter is no secret.
	}
}

// wait returns how long to wait for the next step.
func (h *handover) wait(now time.Time) time.Duration {
	switch {
	case h.begun:
		return max(0, h.leaveAt.Sub(now))
	case h.nextStream != nil:
		return max(0, h.nextStream.began.Add(helloDeadline).Sub(now))
	case h.planned && h.at.Before(h.until):
		return max(look/10, h.at.Sub(now)) // Or when the stream has a cursor again.
	}
	return never
}

// arrivals has the first arrival of the next stream.
func (h *handover) arrivals() <-chan arrival {
	if h.nextStream == nil || h.begun {
		return nil
	}
	return h.nextStream.arrivals
}

// continues says whether to wait for the next stream although this one has ended with err.
// The venue may have ended it because of the next one; some reasons end both.
func (h *handover) continues(err error) bool {
	switch Reason(err) {
	case ReasonSuperseded, ReasonSessionExpired, ReasonSessionRevoked, ReasonUserSuspended:
		return false
	}
	return h.nextStream != nil
}

// advanceHandover does what is due for the next stream. An error ends this one.
func (a *attachment) advanceHandover(ctx context.Context, now time.Time) error {
	h := &a.handover
	switch {
	case h.begun && h.left != nil:
		return h.left
	case h.begun && !now.Before(h.leaveAt):
		return &ownEnd{reason: ReasonReconnect}
	case h.begun, !h.planned:
		return nil
	case h.nextStream != nil:
		if now.Before(h.nextStream.began.Add(helloDeadline)) {
			return nil
		}
		a.retryNext(ctx, &ownEnd{reason: ReasonNoHello}, now)
	}
	switch {
	case h.left != nil:
		return h.left
	// Inside a snapshot there is no cursor to resume after.
	case !now.Before(h.at) && h.at.Before(h.until) && a.previous != "":
		h.nextStream = a.feed.open(ctx, true)
	}
	return nil
}

// nextBegan takes the first arrival of the next stream.
func (a *attachment) nextBegan(ctx context.Context, got arrival, now time.Time) {
	h := &a.handover
	if got.err != nil {
		a.retryNext(ctx, got.err, now)
		return
	}
	h.begun, h.leaveAt, h.nextStream.first = true, now.Add(drainTime), &got
}

// retryNext ends the next stream with err and plans another attempt.
func (a *attachment) retryNext(ctx context.Context, err error, now time.Time) {
	h := &a.handover
	a.feed.ended(h.nextStream.close(ctx, err, false))
	h.nextStream, h.at = nil, now.Add(RetryAfter(err)+h.backoff.next())
}

// takeNext returns the stream that has taken over from this one, which ended with err. It
// returns nil if there is none or the feed ends.
func (a *attachment) takeNext(ctx context.Context, err error) *attachment {
	h := &a.handover
	if h.nextStream == nil {
		return nil
	}
	switch {
	case errors.Is(err, errStopped), ctx.Err() != nil:
		a.feed.ended(h.nextStream.close(ctx, err, false))
		return nil
	case !h.begun:
		a.feed.ended(h.nextStream.close(ctx, &ownEnd{reason: ReasonAbandoned}, false))
		return nil
	}
	h.nextStream.successor = true
	h.nextStream.overlap(a.feed.cursor)
	return h.nextStream
}

// overlap records that another stream has delivered everything up to cursor.
func (a *attachment) overlap(cursor string) {
	if epoch, sequence, ok := position(cursor); ok && cursor != a.previous {
		if asked, _, ok := position(a.previous); ok && asked == epoch {
			a.skip = sequence
		}
	}
}

// unseen returns the messages that the stream before has not delivered, and the cursor
// after them, which never goes back.
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
		// What follows is new, also at the same cursor: an addition to the subscription is
		// sent there while nothing else happens.
		a.skip = 0
	}
	return fresh, cursor
}

// isEvent says whether a message is of the journal, where each comes once; state
// comes whole with every stream, and again when it changes. The schema says which it is.
// A message of an unknown type may be either.
func isEvent(m *todokuv1.Message) bool {
	message := m.ProtoReflect()
	body := message.WhichOneof(message.Descriptor().Oneofs().ByName("body"))
	return body == nil || proto.GetExtension(body.Options(), todokuv1.E_Lane) == todokuv1.Lane_LANE_EVENT
}
