package client

import (
	"context"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

// RetryAfter returns how long the venue asks to wait before the same is asked for
// again (google.rpc.RetryInfo), 0 where it does not say. Feeds wait that long by
// themselves, and a little more, at random.
func RetryAfter(err error) time.Duration {
	s, ok := statusOf(err)
	if !ok {
		return 0
	}
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return max(0, info.GetRetryDelay().AsDuration())
		}
	}
	return 0
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}
