package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// loop runs over a feed, without using its updates, until it ends.
func loop(ctx context.Context, f *client.Feed) {
	for _, err := range f.Updates(ctx) {
		if err != nil {
			return
		}
	}
}

// entered is the report of order x when it was entered.
func entered(account string, sequence uint64) *todokuv1.Message {
	return &todokuv1.Message{Sequence: sequence, Body: &todokuv1.Message_ExecutionReport{ExecutionReport: &todokuv1.ExecutionReport{
		RequestId: "x", ExecType: todokuv1.ExecType_EXEC_TYPE_NEW,
		Order: &todokuv1.Order{
			OrderId: "17", Account: account, ClientOrderId: "x", Status: todokuv1.OrderStatus_ORDER_STATUS_NEW, LeavesQuantity: "5",
		},
	}}}
}

// TestTheStreamGivesTheOutcomeOfALostReply loses replies and requests of a venue that
// carries the request out, or not.
func TestTheStreamGivesTheOutcomeOfALostReply(t *testing.T) {
	lost := status.Error(codes.Internal, "stream terminated by RST_STREAM")
	cases := map[string]struct {
		place      func(ctx context.Context, attempt int, tell func(...*todokuv1.Message)) error
		fromStream bool
		attempts   int
		took       time.Duration // at most
		err        error
	}{
		"nothing is lost": {
			place: func(_ context.Context, _ int, tell func(...*todokuv1.Message)) error {
				tell(entered("alice", 6))
				return nil
			}, attempts: 1,
		},
		"the reply is swallowed": {
			place: func(ctx context.Context, _ int, tell func(...*todokuv1.Message)) error {
				tell(entered("alice", 6))
				<-ctx.Done()
				return ctx.Err()
			}, fromStream: true, attempts: 1, took: time.Second,
		},
		"the reply is cut off": {
			place: func(_ context.Context, _ int, tell func(...*todokuv1.Message)) error {
				tell(entered("alice", 6))
				return lost
			}, fromStream: true, attempts: 1, took: 200 * time.Millisecond,
		},
		"the request is lost": {
			place: func(_ context.Context, attempt int, tell func(...*todokuv1.Message)) error {
				if attempt == 1 {
					return lost
				}
				tell(entered("alice", 6))
				return nil
			}, attempts: 2, took: 200 * time.Millisecond,
		},
		"the request is swallowed": {
			place: func(ctx context.Context, attempt int, _ func(...*todokuv1.Message)) error {
				if attempt == 1 {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}, attempts: 2, took: 8200 * time.Millisecond,
		},
		"another account's request has the same id": {
			place: func(_ context.Context, attempt int, tell func(...*todokuv1.Message)) error {
				tell(entered("bob", uint64(5+attempt)))
				if attempt == 1 {
					return lost
				}
				return nil
			}, attempts: 2, took: 200 * time.Millisecond,
		},
		"it is refused by name": {
			place: func(context.Context, int, func(...*todokuv1.Message)) error {
				return problem(codes.FailedPrecondition, "RATE_LIMIT")
			}, attempts: 1, err: problem(codes.FailedPrecondition, "RATE_LIMIT"),
		},
		"nobody ever tells": {
			place:    func(context.Context, int, func(...*todokuv1.Message)) error { return lost },
			attempts: -1, took: 24 * time.Second, err: client.ErrOutcomeUnknown,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := make(chan []*todokuv1.Message, 100)
				v := &venue{feed: func(s *stream) error {
					s.hello()
					for at := 6; ; at++ {
						select {
						case messages := <-sent:
							s.send(fmt.Sprint("e:", at), messages...)
						case <-s.call.Context().Done():
							return s.call.Context().Err()
						}
					}
				}}
				attempt := 0
				v.place = func(ctx context.Context, _ *todokuv1.PlaceOrderRequest) error {
					attempt++
					return c.place(ctx, attempt, func(m ...*todokuv1.Message) { sent <- m })
				}
				f := v.login(t).NewFeed(client.FeedOptions{ResumeAfter: "e:5", AllAccounts: true})
				ctx, cancel := context.WithCancel(t.Context())
				var looping sync.WaitGroup
				looping.Go(func() { loop(ctx, f) })
				synctest.Wait()
				began := time.Now()
				outcome, err := f.Place(ctx, &todokuv1.PlaceOrderRequest{ClientOrderId: "x", Account: "alice"})
				took := time.Since(began)
				switch {
				case c.err == nil && err != nil, c.err != nil && !errors.Is(err, c.err) && client.Reason(err) != client.Reason(c.err):
					t.Fatalf("ended with %v", err)
				case took > c.took:
					t.Errorf("took %s", took)
				case c.attempts >= 0 && outcome.Attempts != c.attempts, outcome.FromStream != c.fromStream:
					t.Errorf("%+v", outcome)
				case c.err == nil && outcome.Answer.GetClientOrderId() != "x":
					t.Errorf("answer %v", outcome.Answer)
				case c.fromStream && (outcome.Answer.GetOrderId() != "17" || outcome.Answer.GetSequence() != 6 || outcome.Answer.GetCursor() != "e:6"):
					t.Errorf("answer from the stream %v", outcome.Answer)
				}
				cancel()
				looping.Wait()
			})
		})
	}
}

func TestWaitForReturnsOnceTheStreamHasReachedTheCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.hello()
			if s.attempt == 1 {
				pass(s, time.Second)
				s.send("e:7", event(6), event(7))
				pass(s, time.Second)
				return status.Error(codes.Unavailable, "") // The feed resumes by itself.
			}
			s.send("e:9", event(9))
			pass(s, 10*time.Second)
			s.send("f:1", &todokuv1.Message{Body: &todokuv1.Message_Reset_{Reset_: &todokuv1.Reset{}}})
			pass(s, 10*time.Second)
			return problem(codes.Aborted, client.ReasonSuperseded)
		}}
		f := v.login(t).NewFeed(client.FeedOptions{ResumeAfter: "e:5"})
		var looping sync.WaitGroup
		defer looping.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		looping.Go(func() { loop(ctx, f) })
		began := time.Now()
		for _, c := range []struct {
			cursor string
			want   error
			at     time.Duration // and 200 ms later at most
		}{
			{"e:5", nil, 0},
			{"e:6", nil, time.Second},
			{"e:7", nil, time.Second},
			{"e:8", nil, 2 * time.Second},
			{"nonsense", client.ErrCursor, 2 * time.Second},
			{"e:100", client.ErrOtherHistory, 12 * time.Second},
			{"e:100", context.DeadlineExceeded, 13 * time.Second},
			{"f:2", &client.EndError{Reason: client.ReasonSuperseded}, 22 * time.Second},
		} {
			limited, cancel := context.WithCancel(ctx)
			if errors.Is(c.want, context.DeadlineExceeded) {
				limited, cancel = context.WithTimeout(ctx, time.Second)
			}
			err := f.WaitFor(limited, c.cursor)
			cancel()
			var end *client.EndError
			if !errors.Is(err, c.want) && (!errors.As(c.want, &end) || !errors.As(err, &end)) {
				t.Errorf("%s: %v, want %v", c.cursor, err, c.want)
			}
			if late := time.Since(began) - c.at; late < 0 || late > 300*time.Millisecond {
				t.Errorf("%s came after %s", c.cursor, time.Since(began))
			}
		}
		if err := f.WaitFor(ctx, "e:1"); err == nil {
			t.Error("waited for another history")
		}
	})
}
