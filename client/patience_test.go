package client_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// busy is a refusal that says how long to wait.
func busy(t *testing.T, d time.Duration) error {
	t.Helper()
	s, err := status.New(codes.ResourceExhausted, "too often").WithDetails(
		&errdetails.ErrorInfo{Reason: "ATTACH_RATE", Domain: "todoku"}, &errdetails.RetryInfo{RetryDelay: durationpb.New(d)})
	if err != nil {
		t.Fatal(err)
	}
	return s.Err()
}

// TestAFeedWaitsAsTheVenueAsks is refused twice, and waits longer than its
// own backoff.
func TestAFeedWaitsAsTheVenueAsks(t *testing.T) {
	const wait = time.Minute
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		refusal := busy(t, wait)
		v := &venue{feed: func(s *stream) error {
			at = append(at, time.Since(began))
			if s.attempt < 3 {
				return refusal
			}
			s.hello()
			s.send("e:6", note("done"))
			return s.hold()
		}}
		if _, err := follow(t.Context(), v.login(t), client.FeedOptions{ResumeAfter: "e:5"}, "done@e:6"); err != nil {
			t.Fatal(err)
		}
		const jitter = 10 * time.Second
		for i := 1; i < len(at); i++ {
			if waited := at[i] - at[i-1]; waited < wait || waited > wait+jitter {
				t.Errorf("attempt %d came %s after the one before, the venue asked for %s", i+1, waited, wait)
			}
		}
	})
	if d := client.RetryAfter(busy(t, wait)); d != wait {
		t.Errorf("%s are read, %s were asked for", d, wait)
	}
	if d := client.RetryAfter(status.Error(codes.Unavailable, "away")); d != 0 {
		t.Errorf("%s are read of an error that says nothing", d)
	}
}

func acknowledgementLine(r *todokuv1.AcknowledgeNotificationsRequest) string {
	return fmt.Sprintf("%d painted %d, %s ago", r.GetResponseNumber(), r.GetPaintedNumber(), r.GetPaintedAgo().AsDuration())
}

// TestAcknowledgementsReportWhatWasPainted paints after two of three responses.
func TestAcknowledgementsReportWhatWasPainted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.hello() // 1
			s.send("e:6", note("first"))
			pass(s, time.Second)
			s.send("e:6", heartbeat(), note("drawn again")) // 3
			pass(s, 5*time.Second)
			s.send("e:6", heartbeat())
			pass(s, 5*time.Second)
			s.send("e:6", heartbeat())
			pass(s, time.Second)
			s.send("e:7", note("done"))
			return s.hold()
		}}
		feed := v.login(t).NewFeed(client.FeedOptions{ResumeAfter: "e:5"})
		feed.Painted() // Nothing is processed yet.
		heartbeats := 0
		for u, err := range feed.Updates(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if u.Message.GetHeartbeat() != nil {
				heartbeats++
			}
			if heartbeats == 1 {
				feed.Painted() // Responses 1 and 2; the third is being processed, at both of its updates.
				if say(u) == "heartbeat" {
					time.Sleep(2 * time.Second) // The program draws, in a bubble.
				}
			}
			if say(u) == "done@e:7" {
				break
			}
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		var lines []string
		for _, r := range v.acknowledgements {
			lines = append(lines, acknowledgementLine(r))
		}
		equal(t, "acknowledgements", lines, []string{"3 painted 2, 2s ago", "4 painted 2, 5s ago", "5 painted 2, 10s ago"})
	})
}
