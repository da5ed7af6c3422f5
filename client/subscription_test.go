package client_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

func (v *venue) UpdateSubscription(_ context.Context, request *todokuv1.UpdateSubscriptionRequest) (*todokuv1.UpdateSubscriptionResponse, error) {
	v.mu.Lock()
	v.changes = append(v.changes, request)
	v.mu.Unlock()
	if v.change != nil {
		if err := v.change(); err != nil {
			return nil, err
		}
	}
	return &todokuv1.UpdateSubscriptionResponse{Cursor: cmp.Or(v.changedAt, "e:1")}, nil
}

// wanted returns a subscription as text.
func wanted(s *todokuv1.Subscription) string {
	return fmt.Sprintf("%v presence %t every %s", s.GetSymbols(), s.GetPresence(), s.GetStateInterval().AsDuration())
}

// changed returns what UpdateSubscription was called with, in order.
func (v *venue) changed() (all []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, r := range v.changes {
		all = append(all, r.GetConnectionId()+" "+wanted(r.GetSubscription()))
	}
	return all
}

// asked returns what streams were asked to carry, in order.
func (v *venue) asked() (all []string) {
	for _, r := range v.attached() {
		all = append(all, wanted(r.GetSubscription()))
	}
	return all
}

// subscribe changes the subscription of the client's own connection.
func subscribe(ctx context.Context, c *client.Client, symbols ...string) error {
	_, err := c.Notifications().UpdateSubscription(ctx, &todokuv1.UpdateSubscriptionRequest{
		ConnectionId: c.Session().ConnectionID, Subscription: &todokuv1.Subscription{Symbols: symbols, Presence: true},
	})
	return err
}

// TestAResumeHasTheLatestSubscription changes it twice, the second time with a
// refusal, before the stream is cut.
func TestAResumeHasTheLatestSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changed := make(chan struct{})
		v := &venue{}
		v.feed = func(s *stream) error {
			s.hello()
			if s.attempt > 1 {
				s.send("e:7", note("done"))
				return s.hold()
			}
			s.send("e:6", note("change it"))
			<-changed
			return status.Error(codes.Internal, "cut")
		}
		c := v.login(t)
		options := client.FeedOptions{ResumeAfter: "e:5", Symbols: []string{"USDJPY"}, StateInterval: time.Second}
		for u, err := range c.Feed(t.Context(), options) {
			if err != nil {
				t.Fatal(err)
			}
			if say(u) == "done@e:7" {
				break
			}
			if say(u) != "change it@e:6" {
				continue
			}
			if err := subscribe(t.Context(), c, "EURUSD"); err != nil {
				t.Fatal(err)
			}
			v.change = func() error { return problem(codes.InvalidArgument, client.ReasonBadSubscription) }
			if err := subscribe(t.Context(), c, "NONE"); err == nil {
				t.Error("a subscription that was refused succeeded")
			}
			close(changed)
		}
		equal(t, "streams were asked for", v.asked(), []string{
			"[USDJPY] presence false every 1s", "[EURUSD] presence true every 1s",
		})
		if got := v.changed(); len(got) != 2 {
			t.Errorf("it was changed by %q", got)
		}
	})
}

// TestAChangeDuringAHandoverHoldsForTheNextStream changes the subscription when the
// next stream was requested and has not begun. The venue is slow once, so that the stream
// begins before the client has the answer.
func TestAChangeDuringAHandoverHoldsForTheNextStream(t *testing.T) {
	for name, late := range map[string]bool{"answered before the stream begins": false, "answered after": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opened, changed := make(chan struct{}), make(chan struct{})
				v := &venue{}
				v.feed = func(s *stream) error {
					if s.attempt == 1 {
						s.hello()
						s.send("e:6", askToMove())
						return s.hold()
					}
					close(opened)
					<-changed
					s.hello()
					s.send("e:7", note("moved"))
					pass(s, time.Minute)
					return nil
				}
				first := true
				v.change = func() error {
					if late && first {
						first = false
						close(changed)
						ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
						defer cancel()
						<-ctx.Done() // The stream has taken over.
					}
					return nil
				}
				c := v.login(t)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				go func() {
					defer stop()
					<-opened
					if err := subscribe(ctx, c, "EURUSD"); err != nil {
						t.Error(err)
					}
					if !late {
						close(changed)
					}
					pause, cancel := context.WithTimeout(ctx, 10*time.Second)
					defer cancel()
					<-pause.Done()
				}()
				for u, err := range c.Feed(ctx, client.FeedOptions{ResumeAfter: "e:5", Symbols: []string{"USDJPY"}}) {
					if ctx.Err() == nil && err != nil {
						t.Fatal(u, err)
					}
				}
				equal(t, "streams were asked for", v.asked(), []string{"[USDJPY] presence false every 0s", "[USDJPY] presence false every 0s"})
				// Once more, for the stream that was requested before.
				got := v.changed()
				if len(got) < 2 || got[len(got)-1] != got[0] {
					t.Errorf("it was changed by %q", got)
				}
			})
		})
	}
}

// TestARefusedSubscriptionOfTheNextStreamEndsTheFeed changes it when the next
// stream was requested, and has the venue refuse it to that one.
func TestARefusedSubscriptionOfTheNextStreamEndsTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened, changed := make(chan struct{}), make(chan struct{})
		v := &venue{}
		v.feed = func(s *stream) error {
			if s.attempt == 1 {
				s.hello()
				s.send("e:6", askToMove())
				return s.hold()
			}
			if s.attempt == 2 {
				close(opened)
				<-changed
				s.hello()
				s.send("e:7", note("moved"))
				return s.hold()
			}
			return problem(codes.InvalidArgument, client.ReasonBadSubscription)
		}
		v.change = func() error {
			if len(v.changed()) == 1 {
				return nil
			}
			return problem(codes.InvalidArgument, client.ReasonBadSubscription)
		}
		c := v.login(t)
		go func() {
			<-opened
			if err := subscribe(t.Context(), c, "EURUSD"); err != nil {
				t.Error(err)
			}
			close(changed)
		}()
		var last error
		var moved time.Time
		for u, err := range c.Feed(t.Context(), client.FeedOptions{ResumeAfter: "e:5", Symbols: []string{"USDJPY"}}) {
			if last = err; err == nil && say(u) == "moved@e:7" {
				moved = time.Now()
			}
		}
		if took := time.Since(moved); took > 2*time.Second { // In the bubble; a watchdog waits longer.
			t.Errorf("it carried something else for %s", took)
		}
		var end *client.EndError
		if !errors.As(last, &end) || end.Reason != client.ReasonBadSubscription {
			t.Errorf("the feed ended with %v; want BAD_SUBSCRIPTION", last)
		}
	})
}

// TestARefusalMayComeWhileTheNextStreamIsOpened ends a stream that took over with an
// earlier subscription while the next one is opened, and refuses it the present one. It is
// for the race detector, and without synctest, which hides this race from it.
func TestARefusalMayComeWhileTheNextStreamIsOpened(t *testing.T) {
	const moment = 200 * time.Millisecond
	second, changed, third, ended, refused := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
	begun, told := sync.OnceFunc(func() { close(third) }), sync.OnceFunc(func() { close(refused) })
	move := &todokuv1.Message{Body: &todokuv1.Message_Reconnect{Reconnect: &todokuv1.Reconnect{Within: durationpb.New(moment)}}}
	v := &venue{}
	v.feed = func(s *stream) error {
		switch s.attempt {
		case 1:
			s.hello()
			s.send("e:6", move)
			return s.hold()
		case 2:
			defer close(ended)
			close(second)
			await(s.call.Context(), changed)
			s.hello()
			s.send("e:7", note("moved"), move)
			await(s.call.Context(), third)
			return status.Error(codes.Unavailable, "cut")
		}
		begun()
		ctx, cancel := context.WithTimeout(s.call.Context(), time.Second)
		defer cancel()
		await(ctx, refused)
		pause, done := context.WithTimeout(ctx, moment)
		defer done()
		<-pause.Done() // The client has received both.
		s.hello()
		s.send("e:8", note("done"))
		return s.hold()
	}
	v.change = func() error {
		if len(v.changed()) == 1 {
			return nil
		}
		defer told()
		await(t.Context(), ended)
		return problem(codes.InvalidArgument, client.ReasonBadSubscription)
	}
	c := v.login(t)
	go func() {
		defer close(changed)
		await(t.Context(), second)
		// Books only: with presence the next stream would wait. On a slow machine the
		// call may get the refusal.
		_, _ = c.Notifications().UpdateSubscription(t.Context(), &todokuv1.UpdateSubscriptionRequest{
			ConnectionId: c.Session().ConnectionID, Subscription: &todokuv1.Subscription{Symbols: []string{"EURUSD"}},
		})
	}()
	var end *client.EndError
	said, err := follow(t.Context(), c, client.FeedOptions{ResumeAfter: "e:5"}, "done@e:8")
	if err != nil && (!errors.As(err, &end) || end.Reason != client.ReasonBadSubscription) {
		t.Errorf("it said %q and ended with %v", said, err)
	}
}

// await waits for a signal, or until ctx ends.
func await(ctx context.Context, signal <-chan struct{}) {
	select {
	case <-signal:
	case <-ctx.Done():
	}
}
