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

// How long the venue's history may take to catch up with the load, and how long it
// may be silent meanwhile.
const (
	auditDeadline = 10 * time.Minute
	pageDeadline  = time.Minute
)

// audit compares what was acknowledged with what the venue lists for each user.
func audit(ctx context.Context, all *sessions, lanes []*lane, result *Result) error {
	ctx, cancel := context.WithTimeout(ctx, auditDeadline)
	defer cancel()
	a := auditor{lanes: lanes, seen: make([][]uint8, len(lanes))}
	for i, l := range lanes {
		a.seen[i] = make([]uint8, len(l.acks))
	}
	for _, u := range all.users {
		for _, l := range lanes {
			if l.pair[0] != u && l.pair[1] != u {
				continue
			}
			// One of the lanes' cursors is the latest; to wait for each costs nothing.
			if err := a.list(ctx, u, &todokuv1.ListOrdersRequest{PageSize: 1, WaitFor: l.cursor}, nil); err != nil {
				return err
			}
		}
		if err := a.list(ctx, u, &todokuv1.ListOrdersRequest{PageSize: 1000}, a.see); err != nil {
			return err
		}
	}
	lost := a.lost()
	result.Lost, result.Duplicated = &lost, &a.duplicated
	return nil
}

// auditor counts what it is shown of the lanes' orders.
type auditor struct {
	lanes      []*lane
	seen       [][]uint8
	duplicated uint64
}

// list reads pages until the last, or one page where nobody wants to see more.
func (a *auditor) list(ctx context.Context, u *session, request *todokuv1.ListOrdersRequest, see func(*todokuv1.Order)) error {
	for {
		reply, err := page(ctx, u, request)
		if err != nil {
			return fmt.Errorf("bench: list orders to check them: %w", err)
		}
		if see == nil {
			return nil
		}
		for _, o := range reply.GetOrders() {
			see(o)
		}
		if request.PageToken = reply.GetNextPageToken(); request.GetPageToken() == "" {
			return nil
		}
	}
}

// page asks for one page, again while the history is catching up.
func page(ctx context.Context, u *session, request *todokuv1.ListOrdersRequest) (*todokuv1.ListOrdersResponse, error) {
	for {
		once, cancel := context.WithTimeout(ctx, pageDeadline)
		reply, err := u.client.Orders().ListOrders(once, request)
		cancel()
		if code := status.Code(err); ctx.Err() != nil || code != codes.DeadlineExceeded && code != codes.Unavailable {
			return reply, err
		}
	}
}

// see counts one order of the venue.
func (a *auditor) see(o *todokuv1.Order) {
	if len(a.lanes) == 0 {
		return
	}
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
