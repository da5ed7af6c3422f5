package bench

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	todokuv1 "todoku/gen/todoku/v1"
)

// What is asked of a venue while a client is frozen costs it something itself. So the
// same is asked, as often, before and afterwards.

// lookEvery is how often a venue is asked whether it has ended a stream, and its
// memory is read.
const lookEvery = 100 * time.Millisecond

// lookout finds out when the venue ends the streams of clients that stopped reading,
// and what memory it had when.
type lookout struct {
	run *pushRun
	// victims freeze in this order, each when the one before has ended.
	victims []*victim
	// memory is for whoever waited for watch.
	memory []memorySample
}

// memorySample is the server's resident memory at a time.
type memorySample struct {
	at    time.Time
	bytes int64
}

// watch looks from the end of the warm-up until ctx ends, which is no error.
func (l *lookout) watch(ctx context.Context) error {
	sleeper := newSleeper()
	defer sleeper.stop()
	for next := time.Now().Add(l.run.config.Warmup); sleeper.until(ctx, next) == nil; next = next.Add(lookEvery) {
		if pid := l.run.config.ServerPID; pid != 0 {
			memory, err := processMemory(pid)
			if err != nil {
				return err
			}
			l.memory = append(l.memory, memorySample{time.Now(), memory})
		}
		if err := l.look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// look asks about the client that is frozen, or was, or will be.
func (l *lookout) look(ctx context.Context) error {
	v := l.victims[0]
	for _, next := range l.victims[1:] {
		if !closed(next.frozen) {
			break
		}
		v = next
	}
	reply, err := l.run.admin.users[0].client.Admin().ListConnections(ctx, &todokuv1.ListConnectionsRequest{ConnectionId: v.feed.id, Ended: 1})
	switch code := status.Code(err); {
	case ctx.Err() != nil || code == codes.Unimplemented || code == codes.DeadlineExceeded || code == codes.Unavailable:
		return nil //nolint:nilerr // The run is over, or nobody can say.
	case err != nil:
		return fmt.Errorf("bench: connections: %w", err)
	}
	for _, c := range reply.GetConnections() {
		if c.GetEndTime() != nil && closed(v.frozen) && !closed(v.ended) {
			v.result.Reason = c.GetEndReason()
			v.result.EndedAfter = c.GetEndTime().AsTime().Sub(v.at).Seconds()
			v.result.Blocked = c.GetSendBlocked().AsDuration().Seconds()
			close(v.ended)
		}
	}
	return nil
}
