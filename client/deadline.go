package client

import (
	"context"

	"google.golang.org/grpc"

	"todoku/deadline"
)

// limit sets the deadline of the method, refreshing and retrying included, on a call whose
// context has none. A caller's own deadline is kept, also a longer one, which the timeout
// of a service config would shorten.
func limit(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok {
		if policy, _ := deadline.Of(method); policy.Client > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, policy.Client)
			defer cancel()
		}
	}
	return invoke(ctx, method, request, reply, conn, options...)
}
