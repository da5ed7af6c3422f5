package client_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
)

// TestAFeedFollowsTheProtocolAfterEveryEnd ends a stream by each reason and checks
// what the client does.
func TestAFeedFollowsTheProtocolAfterEveryEnd(t *testing.T) {
	resumes := map[string]error{
		"slow":               problem(codes.ResourceExhausted, client.ReasonSlowConsumer),
		"silent":             problem(codes.DeadlineExceeded, client.ReasonNotAcknowledging),
		"shutdown":           problem(codes.Unavailable, client.ReasonShutdown),
		"age":                problem(codes.Unavailable, client.ReasonStreamAge),
		"replaced":           problem(codes.Aborted, client.ReasonReplaced),
		"new word":           problem(codes.Aborted, "SOMETHING_NEW"),
		"clean":              nil,
		"cut":                status.Error(codes.Internal, "RST_STREAM"),
		"unknown":            errors.New("anything"),
		"proxy: 403":         status.Error(codes.PermissionDenied, "unexpected HTTP status code 403"),
		"proxy: 404":         status.Error(codes.Unimplemented, "unexpected HTTP status code 404"),
		"too many":           problem(codes.ResourceExhausted, "TOO_MANY_STREAMS"),
		"token expired":      problem(codes.Unauthenticated, "TOKEN_EXPIRED"),
		"expired":            problem(codes.Unauthenticated, client.ReasonSessionExpired),
		"unknown connection": problem(codes.NotFound, client.ReasonUnknownConnection),
	}
	ends := map[string]error{
		client.ReasonSuperseded:        problem(codes.Aborted, client.ReasonSuperseded),
		client.ReasonSessionRevoked:    problem(codes.Unauthenticated, client.ReasonSessionRevoked),
		client.ReasonUserSuspended:     problem(codes.Unauthenticated, client.ReasonUserSuspended),
		client.ReasonNotYourConnection: problem(codes.PermissionDenied, client.ReasonNotYourConnection),
		client.ReasonBadCursor:         problem(codes.InvalidArgument, client.ReasonBadCursor),
		client.ReasonBadSubscription:   problem(codes.InvalidArgument, client.ReasonBadSubscription),
		"NOT_PERMITTED":                problem(codes.PermissionDenied, "NOT_PERMITTED"),
		"UNKNOWN_METHOD":               problem(codes.Unimplemented, "UNKNOWN_METHOD"),
	}
	run := func(t *testing.T, end error) (*venue, *client.Client, []string, error) {
		t.Helper()
		v := &venue{opened: func() (string, error) { return "another", nil }, feed: func(s *stream) error {
			if s.attempt == 1 {
				s.hello()
				return end
			}
			s.hello()
			s.send("e:6", note("done"))
			return s.hold()
		}}
		c := v.login(t)
		said, err := follow(t.Context(), c, client.FeedOptions{ResumeAfter: "e:5"}, "done@e:6")
		return v, c, said, err
	}
	for name, end := range resumes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, c, said, err := run(t, end)
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "delivered", said, []string{"hello@e:5", "hello@e:5", "done@e:6"})
				equal(t, "resumed after", v.resumed(), []string{"e:5", "e:5"})
				if want := status.Code(end) == codes.Unauthenticated; (v.exchangeCount() == 1) != want {
					t.Errorf("exchanged the tokens %d times", v.exchangeCount())
				}
				connection := "connection"
				if client.Reason(end) == client.ReasonUnknownConnection {
					connection = "another"
				}
				if got := v.attached()[1].GetConnectionId(); got != connection || c.Session().ConnectionID != connection {
					t.Errorf("attached to %s, the session has %s, want %s", got, c.Session().ConnectionID, connection)
				}
			})
		})
	}
	for reason, end := range ends {
		t.Run(reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, _, _, err := run(t, end)
				var over *client.EndError
				if !errors.As(err, &over) || over.Reason != reason || status.Code(err) != status.Code(end) {
					t.Errorf("ended with %v", err)
				}
				if n := len(v.resumed()); n != 1 {
					t.Errorf("attached %d times", n)
				}
			})
		})
	}
}

// TestAFeedEndsIfPreparingTheNextStreamIsRefused refuses the call that prepares the next
// stream; any other error is temporary.
func TestAFeedEndsIfPreparingTheNextStreamIsRefused(t *testing.T) {
	tries := 0
	cases := map[string]struct {
		end     error
		refused func(*venue)
		over    bool
	}{
		"the session is over": {problem(codes.Unauthenticated, client.ReasonSessionExpired), func(v *venue) { v.expire() }, true},
		"no other connection": {problem(codes.NotFound, client.ReasonUnknownConnection), func(v *venue) {
			v.opened = func() (string, error) { return "", problem(codes.PermissionDenied, "NO") }
		}, true},
		"no answer": {problem(codes.NotFound, client.ReasonUnknownConnection), func(v *venue) {
			v.opened = func() (string, error) {
				if tries++; tries < 3 {
					return "", status.Error(codes.Internal, "RST_STREAM")
				}
				return "another", nil
			}
		}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &venue{feed: func(s *stream) error {
					if s.request.GetConnectionId() != "another" {
						return c.end
					}
					s.hello()
					return s.hold()
				}}
				c.refused(v)
				dialed := v.start(t, client.Config{})
				dialed.Restore(client.Session{ConnectionID: "connection", AccessToken: "access-0", RefreshToken: "refresh-0"})
				_, err := follow(t.Context(), dialed, client.FeedOptions{ResumeAfter: "e:5"}, "hello@e:5")
				var over *client.EndError
				if errors.As(err, &over) != c.over || err == nil == c.over {
					t.Errorf("ended with %v", err)
				}
			})
		})
	}
}

func TestBackoffIsResetAfterAMinuteOfAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ends []time.Time
		v := &venue{feed: func(s *stream) error {
			s.hello()
			if s.attempt == 30 {
				for range 10 {
					pass(s, 6*time.Second)
					s.send(s.cursor, heartbeat())
				}
				pass(s, time.Second)
			}
			ends = append(ends, time.Now())
			if s.attempt == 31 {
				s.send("e:6", note("done"))
				return s.hold()
			}
			return status.Error(codes.Unavailable, "")
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := follow(ctx, v.login(t), client.FeedOptions{ResumeAfter: "e:5"}, "done@e:6"); err != nil {
			t.Fatal(err)
		}
		if wait := ends[30].Sub(ends[29]); wait > 200*time.Millisecond {
			t.Errorf("waited %s after a minute of health", wait)
		}
		if all := ends[28].Sub(ends[0]); all < 30*time.Second {
			t.Errorf("28 short streams were opened within %s", all)
		}
	})
}
