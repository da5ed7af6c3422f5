package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/deadline"
	todokuv1 "todoku/gen/todoku/v1"
)

// A request whose answer is lost may have been carried out or not. Two sources show it: the
// stream has every event of the account, and the venue gives the same answer to the same
// request id without doing it twice. The stream costs nothing and works while calls fail;
// only a repeated request helps if the first one never arrived.

// ErrOutcomeUnknown says that neither the stream nor the venue gave the outcome of a
// request in time. It wraps the error of the last attempt.
var ErrOutcomeUnknown = errors.New("client: outcome unknown")

// Outcome is the outcome of a request about one order.
type Outcome struct {
	// Answer is the venue's; made from the event's messages if FromStream. An order
	// that the market or a limit refused is answered REJECTED.
	Answer *todokuv1.OrderAnswer
	// FromStream says that the reply was lost and the stream had the answer.
	FromStream bool
	// Attempts counts how often the request was sent by this package.
	Attempts int
}

// resultGrace is how long after the stream a reply may arrive before it counts as lost.
const resultGrace = time.Second

// attempts is the default time limit, in deadlines of one call.
const attempts = 3

// OutcomeUnknown says whether a request that failed with this error may have been carried
// out: it ended without an answer. A refused request was not carried out.
func OutcomeUnknown(err error) bool {
	if _, ok := statusOf(err); !ok {
		return false
	}
	switch Reason(err) {
	case "":
	case "OUTCOME_UNKNOWN", "DEADLINE":
		return true
	default:
		return false
	}
	switch status.Code(err) { //nolint:exhaustive // The others are refusals.
	case codes.Canceled, codes.Unknown, codes.DeadlineExceeded, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	}
	return false
}

// Place enters an order and finds out its outcome: where a call ends without an answer,
// it looks for the order on the stream, by its client_order_id, and sends it again under
// the same id. Each call has the deadline of its method; all of them end with ctx or, if
// that has no deadline, after three times as long.
//
// The stream helps only while a loop over the updates runs; sending again always works,
// also inside the loop. A refused request fails with the venue's status and was not
// carried out. [ErrOutcomeUnknown] means that time is up.
func (f *Feed) Place(ctx context.Context, request *todokuv1.PlaceOrderRequest) (Outcome, error) {
	return settle(ctx, f, todokuv1.OrderService_PlaceOrder_FullMethodName, request, f.client.Orders().PlaceOrder)
}

// Replace changes an order, as Place enters one.
func (f *Feed) Replace(ctx context.Context, request *todokuv1.ReplaceOrderRequest) (Outcome, error) {
	return settle(ctx, f, todokuv1.OrderService_ReplaceOrder_FullMethodName, request, f.client.Orders().ReplaceOrder)
}

// Cancel cancels an order, as Place enters one.
func (f *Feed) Cancel(ctx context.Context, request *todokuv1.CancelOrderRequest) (Outcome, error) {
	return settle(ctx, f, todokuv1.OrderService_CancelOrder_FullMethodName, request, f.client.Orders().CancelOrder)
}

// question waits for the outcome of a request on the stream.
type question struct {
	account, id string // Account may be empty: the user's only one.
	answer      *todokuv1.OrderAnswer
	known       chan struct{} // Closed when answer is whole.
}

// ask registers a question before the request is sent. The caller must call drop.
func (f *Feed) ask(account, id string) *question {
	f.mu.Lock()
	defer f.mu.Unlock()
	if account == "" {
		account = f.account
	}
	q := &question{account: account, id: id, known: make(chan struct{})}
	if account != "" || !f.options.AllAccounts { // Another account may use the same id.
		f.asked[q] = struct{}{}
	}
	return q
}

func (f *Feed) drop(q *question) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.asked, q)
}

// hasQuestions says whether any question is open.
func (f *Feed) hasQuestions() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked) > 0
}

// answered looks for answers in a delivered message.
func (f *Feed) answered(m *todokuv1.Message) {
	var order *todokuv1.Order
	var id string
	var reason *todokuv1.Reason
	switch body := m.GetBody().(type) {
	case *todokuv1.Message_ExecutionReport:
		order, id, reason = body.ExecutionReport.GetOrder(), body.ExecutionReport.GetRequestId(), body.ExecutionReport.GetReason()
	case *todokuv1.Message_CancelReject:
		order, id, reason = body.CancelReject.GetOrder(), body.CancelReject.GetRequestId(), body.CancelReject.GetReason()
	case *todokuv1.Message_Order: // As it stands, in a snapshot.
		order, id = body.Order, body.Order.GetClientOrderId()
	default:
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for q := range f.asked {
		if id != q.id || q.account != "" && order.GetAccount() != q.account {
			continue
		}
		// The event's last message about the order counts.
		q.answer = &todokuv1.OrderAnswer{
			OrderId: order.GetOrderId(), ClientOrderId: id, Status: order.GetStatus(), Reason: reason,
			FilledQuantity: order.GetFilledQuantity(), LeavesQuantity: order.GetLeavesQuantity(), Sequence: m.GetSequence(),
		}
	}
}

// settle sends a request until its outcome is known.
func settle[Request interface {
	GetAccount() string
	GetClientOrderId() string
}, Reply interface{ GetAnswer() *todokuv1.OrderAnswer }](
	ctx context.Context, f *Feed, method string, request Request,
	call func(context.Context, Request, ...grpc.CallOption) (Reply, error),
) (Outcome, error) {
	q := f.ask(request.GetAccount(), request.GetClientOrderId())
	defer f.drop(q)
	policy, _ := deadline.Of(method)
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, attempts*policy.Client)
		defer cancel()
	}
	var b backoff
	for attempt := 1; ; attempt++ {
		var reply Reply
		err := q.attempt(ctx, policy.Client, func(ctx context.Context) (err error) {
			reply, err = call(ctx, request)
			return err
		})
		switch {
		case err == nil:
			return Outcome{Answer: reply.GetAnswer(), Attempts: attempt}, nil
		case !OutcomeUnknown(err):
			return Outcome{Attempts: attempt}, err
		}
		pause(ctx, b.next(), q.known)
		select {
		case <-q.known:
			return Outcome{Answer: q.answer, FromStream: true, Attempts: attempt}, nil
		default:
		}
		if ctx.Err() != nil {
			return Outcome{Attempts: attempt}, fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
		}
	}
}

// attempt calls once. If the stream has the answer first, the call may take resultGrace
// longer to return it.
func (q *question) attempt(ctx context.Context, limit time.Duration, call func(context.Context) error) error {
	var waiting sync.WaitGroup
	defer waiting.Wait()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	waiting.Go(func() {
		select {
		case <-q.known:
			pause(ctx, resultGrace, nil)
			cancel()
		case <-ctx.Done():
		}
	})
	return call(ctx)
}
