package client_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
	"todoku/digest"
	todokuv1 "todoku/gen/todoku/v1"
)

func (v *venue) ListNotifications(ctx context.Context, request *todokuv1.ListNotificationsRequest) (*todokuv1.ListNotificationsResponse, error) {
	if err := v.admit(ctx); err != nil {
		return nil, err
	}
	if v.past == nil {
		return nil, problem(codes.OutOfRange, "COMPACTED")
	}
	return v.past(request.GetAfter()), nil
}

// report is an order of alice's after a sequence changed it.
func report(id, sequence uint64, state todokuv1.OrderStatus) *todokuv1.Message {
	return &todokuv1.Message{Sequence: sequence, Body: &todokuv1.Message_ExecutionReport{ExecutionReport: &todokuv1.ExecutionReport{
		Order: &todokuv1.Order{OrderId: strconv.FormatUint(id, 10), Account: "alice", Status: state, Sequence: sequence},
	}}}
}

// order is the same in a snapshot.
func order(id, sequence uint64) *todokuv1.Message {
	return &todokuv1.Message{Body: &todokuv1.Message_Order{
		Order: report(id, sequence, todokuv1.OrderStatus_ORDER_STATUS_NEW).GetExecutionReport().GetOrder(),
	}}
}

func position(account string, sequence uint64) *todokuv1.Message {
	return &todokuv1.Message{Body: &todokuv1.Message_PositionUpdate{
		PositionUpdate: &todokuv1.Position{Account: account, Symbol: "USDJPY", Sequence: sequence},
	}}
}

// proven is a heartbeat with the digests of accounts.
func proven(digests ...*todokuv1.AccountDigest) *todokuv1.Message {
	m := heartbeat()
	m.GetHeartbeat().Digests = digests
	return m
}

func holds(account string, sum uint64) *todokuv1.AccountDigest {
	return &todokuv1.AccountDigest{Account: account, Digest: sum}
}

// at sets the sequence and time of a message of a snapshot.
func at(sequence uint64, m *todokuv1.Message) *todokuv1.Message {
	m.Sequence = sequence
	return m
}

const (
	isNew    = todokuv1.OrderStatus_ORDER_STATUS_NEW
	isFilled = todokuv1.OrderStatus_ORDER_STATUS_FILLED
)

// reasons records why the streams of a feed ended.
func reasons(options client.FeedOptions, into *[]string) client.FeedOptions {
	options.OnEnd = func(end client.End) { *into = append(*into, end.Reason) }
	return options
}

func TestEqualDigestsCauseNoResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.cursor = ""
			s.hello()
			s.send("e:5", snapshotBegin(), order(1, 2), position("alice", 3), position("bob", 4), snapshotEnd())
			held := digest.Order(1, 2) + digest.Position("alice", "USDJPY", 3)
			s.send("e:5", proven(holds("alice", held), holds("bob", digest.Position("bob", "USDJPY", 4))))
			s.send("e:6", report(1, 6, todokuv1.OrderStatus_ORDER_STATUS_PARTIALLY_FILLED), position("alice", 6))
			held = digest.Order(1, 6) + digest.Position("alice", "USDJPY", 6)
			s.send("e:6", proven(holds("", held+digest.Position("bob", "USDJPY", 4))))
			// The stream does not carry bob's account any more: it does not count.
			s.send("e:7", report(1, 7, isFilled), proven(holds("alice", digest.Position("alice", "USDJPY", 6))))
			s.send("e:8", position("bob", 8), proven(holds("", digest.Position("alice", "USDJPY", 6)+digest.Position("bob", "USDJPY", 8))))
			s.send("e:8", proven(), note("over"))
			return s.hold()
		}}
		var why []string
		if _, err := follow(t.Context(), v.login(t), reasons(client.FeedOptions{}, &why), "over@e:8"); err != nil {
			t.Fatal(err)
		}
		equal(t, "left", why, []string{client.ReasonLeft})
	})
}

func TestAResyncLosesNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.cursor = ""
			s.hello()
			switch s.attempt {
			case 1:
				s.send("e:5", snapshotBegin(), order(1, 2), order(2, 3), snapshotEnd())
				s.send("e:6", note("a")) // The report of 6, which fills order 2, is lost.
				s.send("e:6", proven(holds("alice", digest.Order(1, 2))))
				return s.hold()
			case 2:
				s.fragment(at(9, snapshotBegin()), order(1, 9))
				return status.Error(codes.Unavailable, "") // within the snapshot
			}
			s.fragment(at(11, snapshotBegin()), order(1, 9))
			s.send("e:11", snapshotEnd())
			s.send("e:11", proven(holds("alice", digest.Order(1, 9))))
			s.send("e:12", note("d"))
			return s.hold()
		}}
		v.past = func(after string) *todokuv1.ListNotificationsResponse {
			all := []*todokuv1.Message{
				at(7, note("b")), at(9, report(1, 9, isNew)), at(9, note("9b")), at(11, note("c")), at(12, note("d")),
			}
			all[2].Index = 1
			if after == "e:6" { // The first page ends within 9.
				return &todokuv1.ListNotificationsResponse{Messages: all[:2], Cursor: "e:9.0"}
			}
			return &todokuv1.ListNotificationsResponse{Messages: all[2:], Cursor: "e:12", End: true}
		}
		var why []string
		said, err := follow(t.Context(), v.login(t), reasons(client.FeedOptions{}, &why), "d@e:12")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "delivered", said, []string{
			"hello", "begin", "order", "order", "end@e:5", "a@e:6", "heartbeat@e:6",
			"hello", "b", "report", "9b", "reset DIVERGED", "begin", "order",
			"hello", "c", "reset DIVERGED", "begin", "order", "end@e:11", "heartbeat@e:11", "d@e:12",
		})
		equal(t, "resumed after", v.resumed(), []string{"", "", ""})
		equal(t, "left", why, []string{client.ReasonDiverged, "UNAVAILABLE", client.ReasonLeft})
	})
}

func TestAGapThatTheVenueCannotFillIsAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.cursor = ""
			s.hello()
			s.send("e:5", snapshotBegin(), snapshotEnd())
			if s.attempt == 1 {
				s.send("e:5", proven(holds("alice", 1)))
			}
			s.send("e:6", note("a"))
			return s.hold()
		}}
		said, err := follow(t.Context(), v.login(t), client.FeedOptions{}, "a@e:6")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "delivered", said, []string{"hello", "begin", "end@e:5", "heartbeat@e:5", "hello", "reset DIVERGED", "begin", "end@e:5", "a@e:6"})
	})
}

// TestResyncsBecomeRareWhileDigestsDiffer makes every heartbeat wrong for three
// hours, then right, then wrong again.
func TestResyncsBecomeRareWhileDigestsDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var asked []time.Duration
		v := &venue{feed: func(s *stream) error {
			s.cursor = ""
			asked = append(asked, time.Since(began).Round(time.Second))
			s.hello()
			s.send("e:5", snapshotBegin(), snapshotEnd())
			beat := time.NewTicker(5 * time.Second)
			defer beat.Stop()
			for {
				select {
				case <-s.call.Context().Done():
					return nil
				case <-beat.C:
				}
				right := time.Since(began) > 3*time.Hour && time.Since(began) < 5*time.Hour
				sum := uint64(1)
				if right {
					sum = 0
				}
				s.send("e:5", proven(holds("alice", sum)))
			}
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Hour+30*time.Second)
		defer cancel()
		states := map[client.State]int{}
		if _, err := follow(ctx, v.login(t), client.FeedOptions{OnStatus: func(s client.Status) { states[s.State]++ }}, ""); err == nil {
			t.Error("the feed ended without a cause")
		}
		var gaps []time.Duration
		for i := 2; i < len(asked); i++ {
			gaps = append(gaps, (asked[i] - asked[i-1]).Round(time.Minute))
		}
		want := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour}
		if !slices.Equal(gaps[:len(want)], want) {
			t.Errorf("asked after %v, want %v", gaps, want)
		}
		if last := gaps[len(want):]; len(last) != 1 {
			t.Errorf("asked %d times after a digest was right, want once at once", len(last))
		}
		// Once after each snapshot that did not help.
		if told := states[client.StateDiverged]; told != len(asked)-1 {
			t.Errorf("%d reports of a difference, after %d snapshots", told, len(asked))
		}
	})
}

func TestDigestsAreNotComparedBeforeASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.hello()
			s.send("e:6", report(1, 6, isNew), proven(holds("alice", 1)))
			s.send("e:7", note("a"))
			return s.hold()
		}}
		if _, err := follow(t.Context(), v.login(t), client.FeedOptions{ResumeAfter: "e:5"}, "a@e:7"); err != nil {
			t.Fatal(err)
		}
		equal(t, "resumed after", v.resumed(), []string{"e:5"})
	})
}

// TestDigestsOfANextStreamAreComparedOnceItHasCaughtUp has the next stream begin with a
// digest of a cursor that the last one has passed.
func TestDigestsOfANextStreamAreComparedOnceItHasCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := make(chan struct{})
		v := &venue{feed: func(s *stream) error {
			if s.attempt == 1 {
				s.cursor = ""
				s.hello()
				s.send("e:5", snapshotBegin(), order(1, 2), snapshotEnd(), askToMove())
				<-opened
				s.send("e:7", report(1, 7, isFilled))
				return s.hold()
			}
			if s.attempt > 2 {
				return problem(codes.Aborted, client.ReasonSuperseded)
			}
			close(opened)
			synctest.Wait() // Until the first has delivered.
			s.hello()
			s.send("e:5", proven(holds("alice", digest.Order(1, 2))))
			s.send("e:7", report(1, 7, isFilled), proven(holds("alice", 0)))
			s.send("e:7", proven(holds("alice", 0)))
			s.send("e:8", at(8, note("over")))
			return s.hold()
		}}
		var why []string
		said, err := follow(t.Context(), v.login(t), reasons(client.FeedOptions{}, &why), "over@e:8")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "left", why, []string{client.ReasonReconnect, client.ReasonLeft})
		if n := slices.Index(said, "report@e:7"); n < 0 || slices.Contains(said[n+1:], "report@e:7") {
			t.Errorf("delivered %q", said)
		}
	})
}
