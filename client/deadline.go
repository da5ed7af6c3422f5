package client

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"
)

// Deadlines of calls whose context has none, refreshing and retrying included.
// Reads answer from memory; a write waits for a sync of the venue's disk.
const (
	readDeadline  = 3 * time.Second
	writeDeadline = 8 * time.Second
)

// serviceConfig retries what the venue did not take: UNAVAILABLE alone, at most
// twice more, with a throttle so that a venue that is down is not hammered
// (gRPC proposal A6). Retrying writes is safe because every one carries an id.
const serviceConfig = `{
  "methodConfig": [{
    "name": [{}],
    "retryPolicy": {
      "maxAttempts": 3,
      "initialBackoff": "0.1s",
      "maxBackoff": "1s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }],
  "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1}
}`

// deadline gives a call without a deadline the one of its method.
func deadline(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok {
		limit := writeDeadline
		if isRead(method) {
			limit = readDeadline
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	return invoke(ctx, method, request, reply, conn, options...)
}

// isRead says whether a method changes nothing, by the API's naming rule.
func isRead(method string) bool {
	name := method[strings.LastIndexByte(method, '/')+1:]
	return strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List")
}
