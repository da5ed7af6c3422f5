package push_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"todoku/push"
)

// stuck blocks a receiver's sends until released.
func stuck() (hold, release func()) {
	gate := make(chan struct{})
	return func() { <-gate }, func() { close(gate) }
}

func TestHeartbeatsMoveTheCursorOfAQuietStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		r := receive(t.Context(), attach(t, h, push.AttachRequest{Topics: []push.Topic{"mine"}}), 0, nil)
		publish(t, h, 41, event(41, 0, "other", 10))
		time.Sleep(60 * time.Second)
		if _, err := h.Acknowledge("c", "alice", 1, 3); err == nil {
			t.Fatal("the ack timeout should have passed")
		}
		wantReason(t, r, push.ReasonNotAcknowledging)
		if r.cursor() != 41 {
			t.Errorf("cursor %d after heartbeats, want 41", r.cursor())
		}
		beats := 0
		var before time.Time
		for i, word := range r.received() {
			if !strings.HasPrefix(word, "heartbeat") {
				continue
			}
			beats++
			if gap := r.times[i].Sub(before); !before.IsZero() && (gap < 4500*time.Millisecond || gap > 5500*time.Millisecond) {
				t.Errorf("heartbeats %s apart", gap)
			}
			before = r.times[i]
		}
		if beats < 8 || beats > 10 {
			t.Errorf("%d heartbeats in 45 s", beats)
		}
	})
}

func TestOnlyAnAdvanceCountsAsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{FirstAttach: 100})
		r := receive(t.Context(), attach(t, h, push.AttachRequest{}), 0, nil)
		began := time.Now()
		for time.Since(began) < 3*time.Minute { // Advancing: lives.
			time.Sleep(15 * time.Second)
			n := uint64(len(r.snapshot().Responses))
			if advanced, err := h.Acknowledge("c", "alice", 101, n); err != nil || !advanced {
				t.Fatalf("acknowledging %d: %v, %v", n, advanced, err)
			}
		}
		last := time.Now()
		n := uint64(len(r.snapshot().Responses))
		for range 2 { // Repeating: does not.
			time.Sleep(15 * time.Second)
			if advanced, err := h.Acknowledge("c", "alice", 101, n); err != nil || advanced {
				t.Fatal(advanced, err)
			}
		}
		wantReason(t, r, push.ReasonNotAcknowledging)
		if late := time.Since(last) - 45*time.Second; late < 0 || late > time.Second {
			t.Errorf("ended %s after its limit", late)
		}
	})
}

func TestAcknowledgementsThatLieAreRefusedByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		attach(t, h, push.AttachRequest{Instance: "i"}).Close()
		s := attach(t, h, push.AttachRequest{Instance: "i", Hello: func(push.HelloInfo) []byte { return []byte("hello") }})
		receive(t.Context(), s, 0, nil)
		synctest.Wait()
		for _, c := range []struct {
			connection, user string
			attach, number   uint64
			want             error
		}{
			{"c", "alice", 2, 2, push.ErrFuture},
			{"c", "alice", 1, 1, push.ErrOtherAttach},
			{"c", "alice", 3, 1, push.ErrOtherAttach},
			{"c", "mallory", 2, 1, push.ErrNotYours},
			{"x", "alice", 2, 1, push.ErrNotAttached},
			{"c", "alice", 2, 1, nil},
		} {
			if _, err := h.Acknowledge(c.connection, c.user, c.attach, c.number); !errors.Is(err, c.want) {
				t.Errorf("%v: got %v", c, err)
			}
		}
	})
}

func TestABlockedSendEndsTheStreamWithinItsLimitAndFreesItsQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{HasState: func(push.Topic) bool { return false }})
		hold, release := stuck()
		s := attach(t, h, push.AttachRequest{Topics: []push.Topic{"x"}})
		r := receive(t.Context(), s, 0, hold)
		time.Sleep(1234 * time.Millisecond)
		blocked := time.Now()
		publish(t, h, 1, event(1, 0, "x", 10))
		synctest.Wait()
		publish(t, h, 2, event(2, 0, "x", 10))
		if s.Info().Queued != 1 {
			t.Errorf("%d queued", s.Info().Queued)
		}
		wantReason(t, r, push.ReasonSlowConsumer) // Although send has not returned.
		if late := time.Since(blocked) - 5*time.Second; late < 0 || late > time.Second {
			t.Errorf("ended %s after its limit", late)
		}
		if s.Info().Queued != 0 || len(h.List()) != 0 {
			t.Error("the ended stream still holds something")
		}
		publish(t, h, 3, event(3, 0, "x", 10))
		release()
		s.Wait()
	})
}

func TestAFullQueueEndsTheSlowStreamAndNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{QueueMessages: 10})
		hold, release := stuck()
		slow := receive(t.Context(), attach(t, h, push.AttachRequest{Connection: "slow", Topics: []push.Topic{"x"}}), 0, hold)
		quick := receive(t.Context(), attach(t, h, push.AttachRequest{Connection: "quick", Topics: []push.Topic{"x"}}), 0, nil)
		for n := uint64(1); n <= 100; n++ {
			publish(t, h, n, event(n, 0, "x", 10))
			synctest.Wait()
		}
		began := time.Now()
		wantReason(t, slow, push.ReasonSlowConsumer)
		if time.Since(began) > 0 {
			t.Error("ended by another limit than the queue's")
		}
		release()
		if quick.cursor() != 100 || len(h.List()) != 1 {
			t.Errorf("the quick one is at %d", quick.cursor())
		}
		ends := h.Ends()
		if len(ends) != 1 || ends[0].Connection != "slow" || ends[0].Reason != push.ReasonSlowConsumer {
			t.Errorf("ends: %+v", ends)
		}
	})
}

func TestAgeTellsToReconnectAndEndsThoseWhoDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{StreamAge: time.Minute, ReconnectGrace: 7 * time.Second, AckTimeout: -1})
		began := time.Now()
		r := receive(t.Context(), attach(t, h, push.AttachRequest{}), 0, nil)
		wantReason(t, r, push.ReasonStreamAge)
		if age := time.Since(began) - 7*time.Second; age < 51*time.Second || age > 69*time.Second {
			t.Errorf("asked to reconnect at the age of %s", age)
		}
		for i, word := range r.received() {
			if word == "reconnect STREAM_AGE within 7s" {
				if warned := time.Since(r.times[i]); warned != 7*time.Second {
					t.Errorf("warned %s before", warned)
				}
				return
			}
		}
		t.Error("never asked to reconnect:", r.received())
	})
}

func TestExpiryEndsAndRefreshExtendsTheLiveStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{AckTimeout: -1})
		first := time.Now().Add(time.Minute)
		r := receive(t.Context(), attach(t, h, push.AttachRequest{Session: "s", Expiry: first}), 0, nil)
		time.Sleep(80 * time.Second) // Within the grace.
		second := time.Now().Add(time.Minute)
		if n := h.SetExpiry("s", second); n != 1 {
			t.Fatalf("%d streams", n)
		}
		time.Sleep(70 * time.Second)
		if n := h.SetExpiry("s", time.Now().Add(-29*time.Second)); n != 1 { // Earlier than before.
			t.Fatalf("%d streams", n)
		}
		shortened := time.Now()
		if n := h.SetExpiry("s", shortened.Add(-29*time.Second)); n != 1 { // No change.
			t.Fatalf("%d streams", n)
		}
		wantReason(t, r, push.ReasonSessionExpired)
		if after := time.Since(shortened); after != time.Second {
			t.Errorf("ended after %s", after)
		}
		got := slices.DeleteFunc(r.received(), func(word string) bool { return !strings.HasPrefix(word, "expiry") })
		if !slices.Equal(got, []string{"expiry in 1m0s", "expiry in -29s"}) {
			t.Errorf("received %q", got)
		}
	})
}

func TestASecondAttachTakesOverAndSaysHow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{StreamsPerUser: 1})
		var info push.HelloInfo
		hello := func(i push.HelloInfo) []byte { info = i; return []byte("hello") }
		first := receive(t.Context(), attach(t, h, push.AttachRequest{Instance: "a"}), 0, nil)
		second := receive(t.Context(), attach(t, h, push.AttachRequest{Instance: "a", Hello: hello}), 0, nil)
		wantReason(t, first, push.ReasonReplaced)
		synctest.Wait()
		if info.TookOver != push.ReasonReplaced || info.Attach != 2 {
			t.Errorf("hello with %+v", info)
		}
		receive(t.Context(), attach(t, h, push.AttachRequest{Instance: "b", Hello: hello}), 0, nil)
		wantReason(t, second, push.ReasonSuperseded)
		synctest.Wait()
		if info.TookOver != push.ReasonSuperseded || info.Attach != 3 {
			t.Errorf("hello with %+v", info)
		}
		if n := len(h.List()); n != 1 {
			t.Errorf("%d live streams", n)
		}
	})
}

func TestEndNamesExactlyTheStreamsMeant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		streams := map[string]*receiver{}
		for _, name := range []string{"alice/1/x", "alice/2/y", "bob/3/z"} {
			part := strings.Split(name, "/")
			streams[name] = receive(t.Context(), attach(t, h, push.AttachRequest{User: part[0], Session: part[1], Connection: part[2]}), 0, nil)
		}
		for _, c := range []struct {
			which push.Selector
			want  int
		}{
			{push.Selector{User: "carol"}, 0},
			{push.Selector{Session: "1", User: "bob"}, 0},
			{push.Selector{Session: "1"}, 1},
			{push.Selector{User: "alice"}, 1},
			{push.Selector{Connection: "z"}, 1},
			{push.Selector{}, 0},
		} {
			if got := h.End(c.which, push.ReasonSessionRevoked, "signed out"); got != c.want {
				t.Errorf("%+v ended %d, want %d", c.which, got, c.want)
			}
			synctest.Wait()
		}
		for _, r := range streams {
			wantReason(t, r, push.ReasonSessionRevoked)
		}
	})
}

func TestDrainSpreadsReconnectsAndEndsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{AckTimeout: -1})
		obedient := make(map[int]*receiver)
		var stubborn *receiver
		for i := range 50 {
			s := attach(t, h, push.AttachRequest{Connection: fmt.Sprint("c", i)})
			ctx, cancel := context.WithCancel(t.Context())
			r := receive(ctx, s, 0, nil)
			if i == 0 {
				stubborn = r
				defer cancel()
				continue
			}
			obedient[i] = r
			go func() { // A client that moves as soon as it is asked to.
				defer cancel()
				for {
					for _, word := range r.received() {
						if strings.HasPrefix(word, "reconnect SHUTDOWN") {
							return
						}
					}
					time.Sleep(10 * time.Millisecond)
				}
			}()
		}
		began := time.Now()
		if err := h.Drain(t.Context(), 10*time.Second, 30*time.Second); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("drained in %s", took)
		}
		wantReason(t, stubborn, push.ReasonShutdown)
		early := 0
		for _, r := range obedient {
			wantReason(t, r, push.ReasonDisconnected)
			for i, word := range r.received() {
				if strings.HasPrefix(word, "reconnect") && r.times[i].Sub(began) < 5*time.Second {
					early++
				}
			}
		}
		if early < 10 || early > 40 {
			t.Errorf("%d of 49 were asked to reconnect in the first half", early)
		}
		if _, err := h.Attach(push.AttachRequest{Connection: "late"}); !errors.Is(err, push.ErrDraining) {
			t.Errorf("attach while draining: %v", err)
		}
	})
}

func TestDrainGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		r := receive(t.Context(), attach(t, h, push.AttachRequest{}), 0, nil)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errStopped)
		defer cancel()
		if err := h.Drain(ctx, time.Minute, time.Hour); !errors.Is(err, errStopped) {
			t.Fatal(err)
		}
		wantReason(t, r, push.ReasonShutdown)
	})
}

func TestStopEndsEveryStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := push.NewHub(push.Config{Epoch: "e"})
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan error)
		go func() { stopped <- h.Run(ctx) }()
		r := receive(t.Context(), attach(t, h, push.AttachRequest{}), 0, nil)
		synctest.Wait()
		cancel()
		wantReason(t, r, push.ReasonShutdown)
		if err := <-stopped; err != nil {
			t.Fatal(err)
		}
	})
}

func TestAStreamThatNobodyConsumesIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		attach(t, h, push.AttachRequest{Topics: []push.Topic{"x"}})
		time.Sleep(50 * time.Second)
		if len(h.List()) != 0 || len(h.Ends()) != 1 {
			t.Errorf("live %v, ended %v", h.List(), h.Ends())
		}
	})
}

func TestSettingsThatContradictAreRefused(t *testing.T) {
	if err := (push.Config{Epoch: "e"}).Validate(); err != nil {
		t.Fatal("the defaults:", err)
	}
	for _, c := range []push.Config{
		{},
		{Epoch: "a:b"},
		{Epoch: "e", HeartbeatInterval: 30 * time.Second},
		{Epoch: "e", SendTimeout: -1},
		{Epoch: "e", StreamAge: time.Second},
		{Epoch: "e", Gather: time.Minute},
		{Epoch: "e", QueueBytes: -1},
		{Epoch: "e", ReconnectGrace: -1},
	} {
		if err := c.Validate(); !errors.Is(err, push.ErrConfig) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
