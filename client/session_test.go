package client_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

func get(ctx context.Context, c *client.Client) error {
	_, err := c.Orders().GetOrder(ctx, &todokuv1.GetOrderRequest{OrderId: "1"})
	return err
}

// expired returns a client whose access token the venue refuses.
func (v *venue) expired(t *testing.T) *client.Client {
	t.Helper()
	c := v.login(t)
	s := c.Session()
	s.AccessToken = "old"
	c.Restore(s)
	return c
}

func TestConcurrentCallsExchangeTokensOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			if err := s.admit(); err != nil {
				return err
			}
			s.hello()
			return s.hold()
		}}
		c := v.expired(t)
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if err := get(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Go(func() {
			if _, err := follow(t.Context(), c, client.FeedOptions{ResumeAfter: "e:5"}, "hello@e:5"); err != nil {
				t.Error(err)
			}
		})
		callers.Wait()
		if v.exchangeCount() != 1 {
			t.Errorf("exchanged %d times", v.exchangeCount())
		}
	})
}

// TestAnExchangeGoesOnWithoutItsCall has a slow answer: the refresh token is spent
// by then, and the answer must not be lost when the call that caused it ends.
func TestAnExchangeGoesOnWithoutItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{exchanged: func(ctx context.Context) error { return sleep(ctx, 2*time.Second) }}
		c := v.expired(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := get(ctx, c); status.Code(err) != codes.Unauthenticated {
			t.Errorf("the call ended with %v, want its own cause", err)
		}
		if err := sleep(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := get(t.Context(), c); err != nil {
			t.Error(err)
		}
		if v.exchangeCount() != 1 {
			t.Errorf("exchanged %d times", v.exchangeCount())
		}
	})
}

// sleep lets time pass in a bubble.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestALateExchangeDoesNotTouchAnotherSession(t *testing.T) {
	for name, meanwhile := range map[string]func(context.Context, *client.Client) error{
		"sign in":  func(ctx context.Context, c *client.Client) error { return c.Login(ctx, "bob", "secret") },
		"sign out": func(_ context.Context, c *client.Client) error { c.Restore(client.Session{}); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &venue{exchanged: func(ctx context.Context) error { return sleep(ctx, 2*time.Second) }}
				c := v.login(t)
				time.AfterFunc(time.Second, func() {
					if err := meanwhile(t.Context(), c); err != nil {
						t.Error(err)
					}
				})
				if err := c.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
				want := map[string]string{"sign in": "access-3", "sign out": ""}[name]
				if s := c.Session(); s.AccessToken != want {
					t.Errorf("the session is %v, want the token %q", s, want)
				}
			})
		})
	}
}

func TestTokensAreExchangedBeforeTheyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stored []string
		v := &venue{}
		c := v.start(t, client.Config{OnSession: func(s client.Session) { stored = append(stored, s.RefreshToken) }})
		if err := c.Login(t.Context(), "alice", "secret"); err != nil {
			t.Fatal(err)
		}
		if err := sleep(t.Context(), 2*tokenLife); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil { // OnSession is not called afterwards.
			t.Error(err)
		}
		equal(t, "stored", stored, []string{"refresh-1", "refresh-2", "refresh-3"})
	})
}

func TestAFailedExchangeIsRetriedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := 3
		v := &venue{}
		v.exchanged = func(context.Context) error {
			if fails--; fails >= 0 {
				v.mu.Lock()
				defer v.mu.Unlock()
				v.tokens-- // The venue accepts the same token for half a minute more.
				return status.Error(codes.Internal, "RST_STREAM")
			}
			return nil
		}
		c := v.login(t)
		if err := sleep(t.Context(), tokenLife*3/4+16*time.Second); err != nil {
			t.Fatal(err)
		}
		if s := c.Session(); s.RefreshToken != "refresh-2" || v.exchangeCount() != 4 {
			t.Errorf("has %s after %d exchanges", s.RefreshToken, v.exchangeCount())
		}
	})
}

// TestAWrongClockDoesNotExchangeInALoop makes every new token look expired.
func TestAWrongClockDoesNotExchangeInALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{clock: time.Hour}
		v.login(t)
		if err := sleep(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		if v.exchangeCount() < 4 || v.exchangeCount() > 20 {
			t.Errorf("exchanged %d times in an hour", v.exchangeCount())
		}
	})
}

func TestARefusedExchangeKeepsTheErrorOfTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{}
		c := v.login(t)
		v.expire()
		if err := get(t.Context(), c); client.Reason(err) != "TOKEN_EXPIRED" {
			t.Errorf("got %v", err)
		}
		if err := c.Refresh(t.Context()); client.Reason(err) != "TOKEN_REUSED" {
			t.Errorf("got %v", err)
		}
		if err := c.Login(t.Context(), "alice", "secret"); err != nil {
			t.Error(err)
		}
		if err := get(t.Context(), c); err != nil {
			t.Error(err)
		}
	})
}

func TestWithoutASessionNothingIsExchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{tokens: 1}
		c := v.start(t, client.Config{})
		if err := c.Refresh(t.Context()); status.Code(err) != codes.Unauthenticated {
			t.Errorf("refreshed: %v", err)
		}
		if err := get(t.Context(), c); client.Reason(err) != "TOKEN_EXPIRED" {
			t.Errorf("called: %v", err)
		}
		if err := c.Login(t.Context(), "alice", "secret"); err != nil {
			t.Fatal(err)
		}
		if err := c.Logout(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := c.Session(); s != (client.Session{}) {
			t.Errorf("signed out with %v", s)
		}
		if err := sleep(t.Context(), tokenLife); err != nil || v.exchangeCount() != 0 {
			t.Errorf("exchanged %d times, %v", v.exchangeCount(), err)
		}
	})
}

func TestASessionIsRestoredInAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{}
		kept := v.login(t).Session()
		again, err := client.Dial(client.Config{Address: "passthrough:///venue", Plaintext: true, DialOptions: v.dial()})
		if err != nil {
			t.Fatal(err)
		}
		again.Restore(kept)
		if err := get(t.Context(), again); err != nil {
			t.Error(err)
		}
		for range 2 {
			if err := again.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := again.Refresh(t.Context()); !errors.Is(err, client.ErrClosed) {
			t.Errorf("refreshed a closed client: %v", err)
		}
	})
}

func TestOnlyUnavailableCallsAreRetried(t *testing.T) {
	for code, want := range map[codes.Code]int{
		codes.Unavailable: 3, codes.Internal: 1, codes.DeadlineExceeded: 1, codes.ResourceExhausted: 1, codes.Aborted: 1, codes.Unknown: 1,
	} {
		t.Run(code.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &venue{place: func(context.Context, *todokuv1.PlaceOrderRequest) error { return status.Error(code, "") }}
				c := v.login(t)
				if _, err := c.Orders().PlaceOrder(t.Context(), &todokuv1.PlaceOrderRequest{ClientOrderId: "mine"}); status.Code(err) != code {
					t.Errorf("got %v", err)
				}
				if len(v.taken()) != want {
					t.Errorf("sent %d times, want %d", len(v.taken()), want)
				}
				for _, id := range v.taken() {
					if id != "mine" {
						t.Errorf("sent as %s", id)
					}
				}
			})
		})
	}
}

func TestRetriesAreThrottledWhileAVenueFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{place: func(context.Context, *todokuv1.PlaceOrderRequest) error { return status.Error(codes.Unavailable, "") }}
		c := v.login(t)
		for i := range 20 {
			_, _ = c.Orders().PlaceOrder(t.Context(), &todokuv1.PlaceOrderRequest{ClientOrderId: strconv.Itoa(i)}) // It fails.
		}
		if n := len(v.taken()); n > 30 {
			t.Errorf("20 orders were sent %d times", n)
		}
	})
}

func TestCallsWithoutADeadlineGetOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{place: func(ctx context.Context, _ *todokuv1.PlaceOrderRequest) error { return sleep(ctx, time.Hour) }}
		c := v.login(t)
		own, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, call := range []struct {
			name string
			do   func() error
			want time.Duration
		}{
			{"read", func() error { return get(t.Context(), c) }, 3 * time.Second},
			{"write", func() error { return place(t.Context(), c) }, 8 * time.Second},
			{"write with a minute", func() error { return place(own, c) }, time.Minute - 11*time.Second},
		} {
			began := time.Now()
			if err := call.do(); status.Code(err) != codes.DeadlineExceeded {
				t.Errorf("%s: %v", call.name, err)
			}
			if took := time.Since(began); took != call.want {
				t.Errorf("%s took %s, want %s", call.name, took, call.want)
			}
		}
	})
}

func place(ctx context.Context, c *client.Client) error {
	_, err := c.Orders().PlaceOrder(ctx, &todokuv1.PlaceOrderRequest{ClientOrderId: client.NewRequestID()})
	return err
}

func TestRequestIDsFitTheProtocolAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := client.NewRequestID()
		if len(id) != 26 || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}
