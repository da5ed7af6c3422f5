package bench

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	todokuv1 "todoku/gen/todoku/v1"
)

// How long the venue's history may take to catch up with the load, and how long one
// call may take.
const (
	auditDeadline = 10 * time.Minute
	pageDeadline  = time.Minute
)

// audit compares what was acknowledged with what the venue lists for each user.
func audit(ctx context.Context, all []*session, lanes []*lane, result *Result) error {
	ctx, cancel := context.WithTimeout(ctx, auditDeadline)
	defer cancel()
	a := auditor{lanes: lanes, seen: make([][]uint8, len(lanes))}
	for i, l := range lanes {
		a.seen[i] = make([]uint8, len(l.acks))
	}
	for _, u := range all {
		for _, l := range lanes {
			if l.pair[0] != u && l.pair[1] != u {
				continue
			}
			// One of the lanes' cursors is the latest; waiting for each costs nothing.
			if _, err := page(ctx, u, &todokuv1.ListOrdersRequest{PageSize: 1, WaitFor: l.cursor}); err != nil {
				return err
			}
		}
		request := &todokuv1.ListOrdersRequest{PageSize: 1000}
		for more := true; more; more = request.GetPageToken() != "" {
			reply, err := page(ctx, u, request)
			if err != nil {
				return err
			}
			for _, o := range reply.GetOrders() {
				a.see(o)
			}
			request.PageToken = reply.GetNextPageToken()
		}
	}
	lost := a.lost()
	result.Lost, result.Duplicated = &lost, &a.duplicated
	return nil
}

// auditor compares the venue's orders with those of the lanes.
type auditor struct {
	lanes      []*lane
	seen       [][]uint8
	duplicated uint64
}

// page asks for one page, again while the history is catching up.
func page(ctx context.Context, u *session, request *todokuv1.ListOrdersRequest) (*todokuv1.ListOrdersResponse, error) {
	for {
		once, cancel := context.WithTimeout(ctx, pageDeadline)
		reply, err := u.client.Orders().ListOrders(once, request)
		cancel()
		code := status.Code(err)
		switch {
		case err == nil:
			return reply, nil
		case ctx.Err() != nil || code != codes.DeadlineExceeded && code != codes.Unavailable:
			return nil, fmt.Errorf("bench: list orders to check them: %w", err)
		}
	}
}

// see counts one order of the venue. There is at least one lane.
func (a *auditor) see(o *todokuv1.Order) {
	index, n, ours := parseID(a.lanes[0].market.run, o.GetClientOrderId())
	if !ours || index < 0 || index >= len(a.lanes) || n >= uint64(len(a.seen[index])) {
		return // Of an earlier run, or of a request that was never answered.
	}
	acked := a.lanes[index].acks[n]
	if a.seen[index][n] != 0 || acked != 0 && strconv.FormatUint(acked, 10) != o.GetOrderId() {
		a.duplicated++
	}
	a.seen[index][n] = 1
}

// lost counts the acknowledged orders that were not seen.
func (a *auditor) lost() (lost uint64) {
	for i, l := range a.lanes {
		for n, acked := range l.acks {
			if acked != 0 && a.seen[i][n] == 0 {
				lost++
			}
		}
	}
	return lost
}
