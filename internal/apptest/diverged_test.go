package apptest_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// thief takes the report of one order out of a stream without a trace: numbers and
// cursors stay correct, so that only the digest can show it.
type thief struct {
	grpc.ClientStream
	order string // client order id
	stole *atomic.Int32
}

func (s *thief) RecvMsg(m any) error {
	if err := s.ClientStream.RecvMsg(m); err != nil {
		return err
	}
	if r, ok := m.(*todokuv1.FeedNotificationResponse); ok {
		r.Messages = slices.DeleteFunc(r.GetMessages(), func(m *todokuv1.Message) bool {
			mine := m.GetExecutionReport().GetOrder().GetClientOrderId() == s.order && m.GetExecutionReport().GetExecType() == execNew
			if mine {
				s.stole.Add(1)
			}
			return mine
		})
	}
	return nil
}

// TestAClientThatMissedAnEventNoticesAndRecovers robs the Go client of one
// report, while a second, undisturbed client receives it.
func TestAClientThatMissedAnEventNoticesAndRecovers(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) { c.Push.HeartbeatInterval = beats })
	var stole atomic.Int32
	rob := func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
		s, err := open(ctx, desc, conn, method, options...)
		return &thief{s, "stolen", &stole}, err
	}
	robbed, err := client.Dial(client.Config{
		Address: app.GRPCAddr().String(), Plaintext: true,
		DialOptions: []grpc.DialOption{grpc.WithChainStreamInterceptor(rob)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = robbed.Close() }) // The test is over.
	if err := robbed.Login(t.Context(), "alice", apptest.Password); err != nil {
		t.Fatal(err)
	}
	desk := app.SignIn("alice")
	observer := desk.Attach(&request{})
	observer.Snapshot()

	// Orders go on while the robbed client resyncs.
	var reports, reasons []string
	working, resets := map[string]bool{}, 0
	placed := 0
	place := func(id string) { desk.Place(apptest.Limit(id, "USDJPY", buy, "1", "140")) }
	for update, err := range robbed.Feed(t.Context(), client.FeedOptions{OnEnd: func(end client.End) {
		reasons = append(reasons, end.Reason)
		if end.Reason == client.ReasonDiverged {
			place("while away")
		}
	}}) {
		if err != nil {
			t.Fatal(err)
		}
		switch body := update.Message.GetBody().(type) {
		case *todokuv1.Message_SnapshotEnd:
			if placed == 0 {
				place("before")
				place("stolen")
				place("after")
			} else {
				place("last")
			}
			placed++
		case *todokuv1.Message_Reset_:
			if body.Reset_.GetCause() != todokuv1.Reset_CAUSE_DIVERGED {
				t.Errorf("reset because of %v", body.Reset_.GetCause())
			}
			resets++
			clear(working)
		case *todokuv1.Message_Order:
			working[body.Order.GetClientOrderId()] = true
		case *todokuv1.Message_ExecutionReport:
			working[body.ExecutionReport.GetOrder().GetClientOrderId()] = true
			reports = append(reports, body.ExecutionReport.GetExecutionId())
		}
		if working["last"] && update.Message.GetHeartbeat() != nil {
			break
		}
	}
	if stole.Load() == 0 || resets != 1 || !slices.Equal(reasons, []string{client.ReasonDiverged, client.ReasonLeft}) {
		t.Errorf("%d reports stolen, %d resets, streams left because of %q", stole.Load(), resets, reasons)
	}
	for _, id := range []string{"before", "stolen", "after", "while away", "last"} {
		if !working[id] {
			t.Errorf("the client does not hold order %q", id)
		}
	}
	var want []string
	observer.Await("the last order", func(m *todokuv1.Message) bool {
		r := m.GetExecutionReport()
		if r != nil && r.GetOrder().GetClientOrderId() != "stolen" {
			want = append(want, r.GetExecutionId())
		}
		return r.GetOrder().GetClientOrderId() == "last"
	})
	if !slices.Equal(reports, want) {
		t.Errorf("reports %q, want %q", reports, want)
	}
}
