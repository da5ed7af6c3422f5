package client_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
)

// standing records the states of a feed, and when they began.
func standing(began time.Time, said *[]string) func(client.Status) {
	return func(s client.Status) {
		line := fmt.Sprintf("%s %s", time.Since(began).Round(time.Second), s.State)
		if s.State == client.StateResuming {
			line += " " + s.End.Reason
		}
		*said = append(*said, line)
	}
}

func TestSilenceIsShownAndThenEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.hello()
			if s.attempt == 1 {
				pass(s, 10*time.Second)
				s.send("e:6", note("late"))
				pass(s, time.Minute)
				return nil
			}
			s.send("e:7", note("done"))
			return s.hold()
		}}
		var said []string
		c := v.login(t)
		_, err := follow(t.Context(), c, client.FeedOptions{ResumeAfter: "e:5", OnStatus: standing(time.Now(), &said)}, "done@e:7")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "status", said, []string{
			"0s CONNECTING", "0s LIVE", "8s STALE", "10s LIVE", "18s STALE", "25s RESUMING WATCHDOG", "25s LIVE",
		})
		equal(t, "resumed after", v.resumed(), []string{"e:5", "e:6"})
	})
}

// pass waits on the venue's side.
func pass(s *stream, d time.Duration) {
	ctx, cancel := context.WithTimeout(s.call.Context(), d)
	defer cancel()
	<-ctx.Done()
}

func TestAStreamThatDoesNotBeginIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			if s.attempt == 2 {
				s.hello()
				s.send("e:6", note("done"))
			}
			return s.hold()
		}}
		var said []string
		c := v.login(t)
		_, err := follow(t.Context(), c, client.FeedOptions{ResumeAfter: "e:5", OnStatus: standing(time.Now(), &said)}, "done@e:6")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "status", said, []string{"0s CONNECTING", "5s RESUMING NO_HELLO", "5s LIVE"})
	})
}

func TestASlowProgramIsNotASilentVenue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.hello()
			s.send("e:6", note("a"))
			s.send("e:7", note("b"))
			return s.hold()
		}}
		var said []string
		for u, err := range v.login(t).Feed(t.Context(), client.FeedOptions{ResumeAfter: "e:5", OnStatus: standing(time.Now(), &said)}) {
			if err != nil {
				t.Fatal(err)
			}
			if say(u) == "b@e:7" {
				break
			}
			time.Sleep(time.Hour) // The program's own time, in a bubble.
		}
		equal(t, "status", said, []string{"0s CONNECTING", "0s LIVE"})
	})
}

// TestAFeedRetriesARefusingVenueRarely counts attempts: a stopping venue ends
// streams and refuses new ones with the same reason.
func TestAFeedRetriesARefusingVenueRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(*stream) error { return problem(codes.Unavailable, client.ReasonShutdown) }}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, _ = follow(ctx, v.login(t), client.FeedOptions{}, "")
		if n := len(v.resumed()); n < 8 || n > 40 {
			t.Errorf("tried %d times in a minute", n)
		}
	})
}

func TestAFeedResumesAtOnceAfterAnOrderlyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.hello()
			if s.attempt < 20 {
				return problem(codes.Unavailable, client.ReasonStreamAge)
			}
			s.send("e:6", note("done"))
			return s.hold()
		}}
		c := v.login(t)
		began := time.Now()
		if _, err := follow(t.Context(), c, client.FeedOptions{ResumeAfter: "e:5"}, "done@e:6"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 19*200*time.Millisecond {
			t.Errorf("19 ends took %s", took)
		}
	})
}

// TestAFeedResumesSoonAfterALongOutage has an outage of an hour, in which the backoff
// reaches its bound.
func TestAFeedResumesSoonAfterALongOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var back time.Time
		v := &venue{down: func() bool { return time.Now().Before(back) }, feed: func(s *stream) error {
			s.hello()
			if s.attempt == 1 {
				return status.Error(codes.Unavailable, "")
			}
			s.send("e:6", note("done"))
			return s.hold()
		}}
		var lost string
		c := v.login(t)
		back = time.Now().Add(time.Hour)
		_, err := follow(t.Context(), c, client.FeedOptions{ResumeAfter: "e:5", OnEnd: func(end client.End) {
			if end.By == client.EnderUser {
				return
			}
			if lost = end.Reason; !client.Unreachable(end.Err) {
				t.Errorf("not unreachable: %v", end.Err)
			}
		}}, "hello@e:5")
		if err != nil {
			t.Fatal(err)
		}
		if late := time.Since(back); late < 0 || late > 13*time.Second { // The longest wait and its jitter.
			t.Errorf("resumed %s late", late)
		}
		if lost != client.ReasonUnreachable {
			t.Errorf("lost by %s", lost)
		}
	})
}
