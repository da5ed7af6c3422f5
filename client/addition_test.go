package client_test

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// After a change of the subscription the venue sends what it adds once. In these tests the
// stream ends before or after that.

// addWhenAsked follows a feed until the message last. At the message "add presence" it
// changes the subscription and closes changed. It returns what was delivered.
func addWhenAsked(t *testing.T, c *client.Client, changed chan<- struct{}, last string) (said []string) {
	t.Helper()
	for u, err := range c.Feed(t.Context(), client.FeedOptions{ResumeAfter: "e:5"}) {
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, say(u))
		switch say(u) {
		case last:
			return said
		case "add presence@e:6":
			if err := subscribe(t.Context(), c, "EURUSD"); err != nil {
				t.Fatal(err)
			}
			close(changed)
		}
	}
	t.Fatalf("the feed ended before %s, after %q", last, said)
	return nil
}

// TestASnapshotFollowsAnAdditionThatMayNotHaveArrived cuts the stream at the
// change, and once more inside the snapshot.
func TestASnapshotFollowsAnAdditionThatMayNotHaveArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changed := make(chan struct{})
		v := &venue{changedAt: "e:7"}
		v.feed = func(s *stream) error {
			s.hello()
			switch s.attempt {
			case 1:
				s.send("e:6", note("add presence"))
				<-changed
				s.send("e:7", note("a"))
			case 2:
				s.fragment(at(9, snapshotBegin())) // Nothing follows.
			case 3:
				s.send("e:9", at(9, snapshotBegin()), snapshotEnd())
			default:
				s.send("e:10", note("done"))
				return s.hold()
			}
			return status.Error(codes.Unavailable, "cut")
		}
		v.past = func(string) *todokuv1.ListNotificationsResponse {
			return &todokuv1.ListNotificationsResponse{Messages: []*todokuv1.Message{at(8, note("b")), at(9, note("c"))}, Cursor: "e:9", End: true}
		}
		c := v.login(t)
		said := addWhenAsked(t, c, changed, "done@e:10")
		equal(t, "resumed after", v.resumed(), []string{"e:5", "", "", "e:9"})
		equal(t, "delivered", said, []string{
			"hello@e:5", "add presence@e:6", "a@e:7",
			"hello", "b", "c", "reset DIVERGED", "begin",
			"hello", "reset DIVERGED", "begin", "end@e:9",
			"hello@e:9", "done@e:10",
		})
	})
}

// TestAFeedResumesAfterAnAdditionThatArrived cuts the stream after a later cursor arrived.
func TestAFeedResumesAfterAnAdditionThatArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changed := make(chan struct{})
		v := &venue{changedAt: "e:7"}
		v.feed = func(s *stream) error {
			s.hello()
			if s.attempt > 1 {
				s.send("e:9", note("done"))
				return s.hold()
			}
			s.send("e:6", note("add presence"))
			<-changed
			s.send("e:8", note("a"))
			return status.Error(codes.Unavailable, "cut")
		}
		c := v.login(t)
		addWhenAsked(t, c, changed, "done@e:9")
		equal(t, "resumed after", v.resumed(), []string{"e:5", "e:8"})
	})
}

// TestNoStreamTakesOverBeforeAnAdditionHasArrived has the venue ask its client to move
// after a change, before it sends the addition.
func TestNoStreamTakesOverBeforeAnAdditionHasArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wait = within * 3 / 4 // Otherwise the client has moved by then.
		changed := make(chan struct{})
		v := &venue{changedAt: "e:7"}
		v.feed = func(s *stream) error {
			s.hello()
			if s.attempt > 1 {
				s.send("e:9", note("done"))
				return s.hold()
			}
			s.send("e:6", note("add presence"))
			<-changed
			s.send("e:7", askToMove())
			pass(s, wait)
			if n := len(v.attached()); n != 1 {
				t.Errorf("%d streams before the addition arrived", n)
			}
			s.send("e:8", note("presence"))
			return s.hold()
		}
		c := v.login(t)
		began := time.Now()
		addWhenAsked(t, c, changed, "done@e:9")
		equal(t, "resumed after", v.resumed(), []string{"e:5", "e:8"})
		if took := time.Since(began); took > within {
			t.Errorf("it moved after %s", took)
		}
	})
}

// TestAChangeThatIsSentAgainIsPendingAgain has a stream take over that was asked for
// before a change, and breaks it after a later cursor than the change's came and before
// it is asked for the change as well.
func TestAChangeThatIsSentAgainIsPendingAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened, changed := make(chan struct{}), make(chan struct{})
		v := &venue{}
		v.feed = func(s *stream) error {
			switch s.attempt {
			case 1:
				s.hello()
				s.send("e:6", askToMove())
				return s.hold()
			case 2:
				close(opened)
				<-changed
				s.hello()
				s.send("e:7", note("moved"))
				pass(s, time.Second)
				return status.Error(codes.Unavailable, "cut")
			}
			s.hello()
			s.send("e:8", at(8, snapshotBegin()), note("done"), snapshotEnd())
			return s.hold()
		}
		v.change = func() error {
			if len(v.changed()) == 1 {
				return nil
			}
			return status.Error(codes.Unavailable, "not now")
		}
		c := v.login(t)
		go func() {
			defer close(changed)
			<-opened
			if err := subscribe(t.Context(), c, "EURUSD"); err != nil {
				t.Error(err)
			}
		}()
		if _, err := follow(t.Context(), c, client.FeedOptions{ResumeAfter: "e:5"}, "done"); err != nil {
			t.Fatal(err)
		}
		equal(t, "resumed after", v.resumed(), []string{"e:5", "e:6", ""})
	})
}
