package client_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
)

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestACutLosesAndRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.hello()
			switch s.attempt {
			case 1:
				s.send("e:5", snapshotBegin(), snapshotEnd())
				s.send("e:6", note("a"), note("b"))
				return status.Error(codes.Internal, "stream terminated by RST_STREAM") // as proxies cut
			case 2:
				s.send("e:9", note("c"))
				return nil // a clean end is a cut like any other
			}
			s.send("e:10", note("d"))
			return s.hold()
		}}
		said, err := follow(t.Context(), v.login(t), client.FeedOptions{}, "d@e:10")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "delivered", said, []string{"hello", "begin", "end@e:5", "a", "b@e:6", "hello@e:6", "c@e:9", "hello@e:9", "d@e:10"})
		equal(t, "resumed after", v.resumed(), []string{"", "e:6", "e:9"})
	})
}

func TestACutInsideASnapshotAsksForAnother(t *testing.T) {
	for _, start := range []string{"", "old:7"} { // none, and one that is reset
		synctest.Test(t, func(t *testing.T) {
			v := &venue{feed: func(s *stream) error {
				s.cursor = ""
				if s.attempt == 1 {
					s.hello()
					s.fragment(snapshotBegin(), note("a"))
					return status.Error(codes.Unavailable, "")
				}
				s.hello()
				s.fragment(snapshotBegin(), note("a"))
				s.fragment(note("b"))
				s.send("e:5", snapshotEnd())
				return s.hold()
			}}
			said, err := follow(t.Context(), v.login(t), client.FeedOptions{ResumeAfter: start}, "end@e:5")
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "delivered", said, []string{"hello", "begin", "a", "hello", "begin", "a", "b", "end@e:5"})
			equal(t, "resumed after", v.resumed(), []string{start, start})
		})
	}
}

func TestAnEventInFragmentsIsDeliveredWholeOrNotAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.hello()
			s.fragment(note("a"))
			if s.attempt == 1 {
				return status.Error(codes.Unavailable, "")
			}
			s.fragment(note("b"), heartbeat())
			s.send("e:6", note("c"))
			return s.hold()
		}}
		said, err := follow(t.Context(), v.login(t), client.FeedOptions{ResumeAfter: "e:5"}, "c@e:6")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "delivered", said, []string{"hello@e:5", "hello@e:5", "a", "b", "heartbeat", "c@e:6"})
		equal(t, "resumed after", v.resumed(), []string{"e:5", "e:5"})
	})
}

func TestAnEventThatIsTooLargeEndsTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := note(strings.Repeat("x", 1<<20))
		sent := 0
		v := &venue{feed: func(s *stream) error {
			s.hello()
			for ; s.call.Context().Err() == nil; sent++ {
				s.fragment(large)
			}
			return nil
		}}
		_, err := follow(t.Context(), v.login(t), client.FeedOptions{ResumeAfter: "e:5"}, "")
		var end *client.EndError
		if !errors.As(err, &end) || end.Reason != client.ReasonTooLarge {
			t.Errorf("ended with %v", err)
		}
		synctest.Wait()
		if sent > 64+16 { // Responses in flight are lost.
			t.Errorf("took %d MiB of one event", sent)
		}
	})
}

// TestAResponseAfterAGapIsNotDelivered sends responses after a gap.
func TestAResponseAfterAGapIsNotDelivered(t *testing.T) {
	gaps := map[string]func(*stream){
		"a response is missing":        func(s *stream) { s.number++ },
		"a response comes twice":       func(s *stream) { s.number-- },
		"the cursor before is another": func(s *stream) { s.cursor = "e:6" },
		"the cursor before is none":    func(s *stream) { s.cursor = "" },
		"the replay begins elsewhere":  func(s *stream) { s.number, s.cursor = 0, "e:4" },
		"the first number is not one":  func(s *stream) { s.number = 1 },
	}
	for name, gap := range gaps {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &venue{feed: func(s *stream) error {
					if s.attempt > 1 {
						s.hello()
						s.send("e:7", note("good"))
						return s.hold()
					}
					if name != "the replay begins elsewhere" && name != "the first number is not one" {
						s.hello()
					}
					gap(s)
					s.send("e:7", note("bad"))
					return s.hold()
				}}
				var reasons []string
				said, err := follow(t.Context(), v.login(t), client.FeedOptions{ResumeAfter: "e:5", OnEnd: func(end client.End) {
					if end.By != client.EnderUser {
						reasons = append(reasons, end.Reason)
					}
				}}, "good@e:7")
				if err != nil {
					t.Fatal(err)
				}
				if slices.Contains(said, "bad@e:7") {
					t.Errorf("delivered %q", said)
				}
				equal(t, "reasons", reasons, []string{client.ReasonGap})
				equal(t, "resumed after", v.resumed(), []string{"e:5", "e:5"})
			})
		})
	}
}

func TestOnlyWhatIsProcessedIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.hello()
			s.send("e:6", note("a"), heartbeat()) // 2
			s.send("e:7", note("b"))              // 3: too soon after the acknowledgement before
			s.fragment(note("c"), heartbeat())    // 4: a fragment with a heartbeat
			return s.hold()
		}}
		c := v.login(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // Synctest advances time when all goroutines wait.
		defer cancel()
		var at [][]uint64
		seen := func() {
			synctest.Wait()
			v.mu.Lock()
			defer v.mu.Unlock()
			var numbers []uint64
			for _, r := range v.acknowledgements {
				if r.GetConnectionId() != "connection" || r.GetAttachNumber() != 1001 {
					t.Errorf("acknowledged %v", r)
				}
				numbers = append(numbers, r.GetResponseNumber())
			}
			at = append(at, numbers)
		}
		for u, err := range c.Feed(ctx, client.FeedOptions{ResumeAfter: "e:5"}) {
			if err != nil {
				break
			}
			if u.Message.GetHello() == nil {
				seen() // During its processing.
			}
		}
		seen()
		want := [][]uint64{nil, nil, {2}, {2, 4}}
		if !slices.EqualFunc(at, want, slices.Equal[[]uint64]) {
			t.Errorf("acknowledged while processing a, its heartbeat, b, and at last: %v, want %v", at, want)
		}
	})
}

func TestFeedsEndWithTheirContextOrTheirClient(t *testing.T) {
	cause := errors.New("enough")
	ends := map[string]struct {
		end  func(*client.Client, context.CancelCauseFunc)
		want error
	}{
		"cancel": {func(_ *client.Client, cancel context.CancelCauseFunc) { cancel(cause) }, cause},
		"close": {func(c *client.Client, _ context.CancelCauseFunc) {
			if err := c.Close(); err != nil {
				panic(err)
			}
		}, client.ErrClosed},
	}
	for name, end := range ends {
		for _, state := range []string{"silent", "in the loop", "away"} {
			t.Run(name+" "+state, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					v := &venue{}
					if state == "away" {
						v.feed = func(*stream) error { return status.Error(codes.Unavailable, "") }
					}
					c := v.login(t)
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					began := time.Now()
					if state != "in the loop" {
						time.AfterFunc(time.Second, func() { end.end(c, cancel) })
					}
					var last error
					for _, err := range c.Feed(ctx, client.FeedOptions{ResumeAfter: "e:5"}) {
						if last = err; err == nil && state == "in the loop" {
							end.end(c, cancel)
						}
					}
					if !errors.Is(last, end.want) {
						t.Errorf("ended with %v, want %v", last, end.want)
					}
					if took := time.Since(began); took > time.Second {
						t.Errorf("ended after %s", took)
					}
					if _, err := follow(ctx, c, client.FeedOptions{}, ""); !errors.Is(err, end.want) {
						t.Errorf("another feed ended with %v, want %v", err, end.want)
					}
				})
			})
		}
	}
}

func TestAStreamHasNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			if at, ok := s.call.Context().Deadline(); ok {
				t.Errorf("the stream ends in %s", time.Until(at))
			}
			s.hello()
			return s.hold()
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := follow(ctx, v.login(t), client.FeedOptions{}, ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestLeavingTheLoopEndsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(chan struct{})
		v := &venue{feed: func(s *stream) error {
			defer close(left)
			s.hello()
			return s.hold()
		}}
		if said, err := follow(t.Context(), v.login(t), client.FeedOptions{ResumeAfter: "e:5"}, "hello@e:5"); err != nil {
			t.Errorf("left with %q, %v", said, err)
		}
		<-left
	})
}

func TestEveryAttachHasTheSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.hello()
			if s.attempt == 1 {
				return nil
			}
			s.send("e:6", note("a"))
			return s.hold()
		}}
		options := client.FeedOptions{ResumeAfter: "e:5", Symbols: []string{"USDJPY"}, Presence: true, AllAccounts: true, StateInterval: time.Second}
		if _, err := follow(t.Context(), v.login(t), options, "a@e:6"); err != nil {
			t.Fatal(err)
		}
		instance := v.attached()[0].GetInstanceId()
		for _, r := range v.attached() {
			s := r.GetSubscription()
			if !slices.Equal(s.GetSymbols(), options.Symbols) || !s.GetPresence() || !s.GetAllAccounts() || s.GetStateInterval().AsDuration() != time.Second {
				t.Errorf("asked for %v", s)
			}
			if r.GetInstanceId() != instance || instance == "" {
				t.Errorf("instance %q, then %q", instance, r.GetInstanceId())
			}
		}
		if len(v.attached()) != 2 {
			t.Errorf("attached %d times", len(v.attached()))
		}
	})
}
