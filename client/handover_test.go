package client_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// within is the time in which the venue asks its streams to move.
const within = 10 * time.Second

func askToMove() *todokuv1.Message {
	return &todokuv1.Message{Body: &todokuv1.Message_Reconnect{Reconnect: &todokuv1.Reconnect{
		Reason: client.ReasonStreamAge, Within: durationpb.New(within),
	}}}
}

// split reads a cursor.
func split(cursor string) (epoch string, sequence uint64) {
	epoch, number, _ := strings.Cut(cursor, ":")
	sequence, _ = strconv.ParseUint(number, 10, 64)
	return epoch, sequence
}

// event is a note with its place in the journal.
func event(sequence uint64) *todokuv1.Message {
	m := note(strconv.FormatUint(sequence, 10))
	m.Sequence = sequence
	return m
}

// TestTheNextStreamBeginsBeforeTheLastEnds has a venue deliver on the old stream,
// beyond the cursor of the new one, until that takes over. The steps have different sizes,
// so that the replay overlaps in the middle of responses.
func TestTheNextStreamBeginsBeforeTheLastEnds(t *testing.T) {
	for _, step := range []uint64{1, 2, 3, 7} {
		synctest.Test(t, func(t *testing.T) {
			moved := make(chan struct{})
			var last uint64
			v := &venue{}
			v.feed = func(s *stream) error {
				_, from := split(s.request.GetResumeAfter())
				s.hello()
				if s.attempt == 1 {
					s.send(s.cursor, askToMove())
					for last = from; ; {
						select {
						case <-moved:
							return problem(codes.Aborted, client.ReasonReplaced)
						case <-s.call.Context().Done():
							return s.call.Context().Err()
						case <-time.After(100 * time.Millisecond):
							last++
							s.send(fmt.Sprint("e:", last), event(last))
						}
					}
				}
				close(moved)
				synctest.Wait() // The first one has ended.
				for at := from; at < last+10; {
					var messages []*todokuv1.Message
					for range step {
						at++
						messages = append(messages, event(at))
					}
					s.send(fmt.Sprint("e:", at), messages...)
				}
				s.send(fmt.Sprint("e:", 10_000), event(10_000))
				return s.hold()
			}
			var ends []client.End
			var states []string
			feed := v.login(t).NewFeed(client.FeedOptions{
				ResumeAfter: "e:5",
				OnEnd:       func(e client.End) { ends = append(ends, e) },
				OnStatus:    func(s client.Status) { states = append(states, string(s.State)) },
			})
			want, cursor := uint64(6), uint64(0)
			for u, err := range feed.Updates(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if u.Cursor != "" {
					_, at := split(u.Cursor)
					if at < cursor {
						t.Fatalf("the cursor went back from %d to %s", cursor, u.Cursor)
					}
					cursor = at
				}
				text := u.Message.GetAnnouncement().GetText()
				if text == "10000" {
					break
				}
				if text == "" {
					continue
				}
				if text != strconv.FormatUint(want, 10) {
					t.Fatalf("delivered %s, want %d", text, want)
				}
				want++
			}
			if want < last+10 {
				t.Errorf("delivered up to %d, of %d", want-1, last+10)
			}
			equal(t, "states", states, []string{"CONNECTING", "LIVE"})
			if status := feed.Status(); status.Handovers != 1 || status.Streams != 2 {
				t.Errorf("%d handovers of %d streams", status.Handovers, status.Streams)
			}
			if len(ends) != 2 || ends[0].Reason != client.ReasonReplaced || !ends[0].Succeeded || ends[1].By != client.EnderUser {
				t.Errorf("ends: %+v", ends)
			}
		})
	}
}

// TestAStreamWithoutAReplacementGoesOnToItsEnd refuses the next stream each time.
func TestAStreamWithoutAReplacementGoesOnToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		v := &venue{feed: func(s *stream) error {
			if s.attempt == 1 {
				s.hello()
				s.send(s.cursor, askToMove())
				for sequence := uint64(6); sequence < 6+19; sequence++ {
					pass(s, 500*time.Millisecond)
					s.send(fmt.Sprint("e:", sequence), event(sequence))
				}
				close(over)
				return problem(codes.Unavailable, client.ReasonStreamAge)
			}
			select {
			case <-over:
				s.hello()
				s.send("e:25", event(25))
				return s.hold()
			default:
				return status.Error(codes.Unavailable, "no room")
			}
		}}
		var reasons []string
		var late time.Duration
		began := time.Now()
		said, err := follow(t.Context(), v.login(t), client.FeedOptions{ResumeAfter: "e:5", OnEnd: func(e client.End) {
			reasons = append(reasons, e.Reason)
			if e.Reason == client.ReasonStreamAge {
				late = time.Since(began)
			}
		}}, "25@e:25")
		if err != nil {
			t.Fatal(err)
		}
		said = slices.DeleteFunc(said, func(s string) bool { return s == "hello@e:5" || s == "reconnect@e:5" || s == "hello@e:24" })
		for i, text := range said {
			if want := fmt.Sprintf("%d@e:%d", 6+i, 6+i); text != want {
				t.Fatalf("delivered %s, want %s", text, want)
			}
		}
		if late != 9500*time.Millisecond || !slices.Contains(reasons, "UNAVAILABLE") || slices.Contains(reasons, client.ReasonReconnect) {
			t.Errorf("ended after %s; ends %q", late, reasons)
		}
		if tries := len(v.attached()); tries < 3 || tries > 30 {
			t.Errorf("%d attempts", tries)
		}
	})
}

// TestHandoversAreSpread moves clients that were asked at the same instant.
func TestHandoversAreSpread(t *testing.T) {
	var moves []time.Duration
	for range 40 {
		synctest.Test(t, func(t *testing.T) {
			v := &venue{feed: func(s *stream) error {
				s.hello()
				if s.attempt == 1 {
					s.send(s.cursor, askToMove())
				} else {
					s.send("e:6", note("done"))
				}
				return s.hold()
			}}
			c := v.login(t)
			began := time.Now()
			if _, err := follow(t.Context(), c, client.FeedOptions{ResumeAfter: "e:5"}, "done@e:6"); err != nil {
				t.Fatal(err)
			}
			moves = append(moves, time.Since(began))
		})
	}
	slices.Sort(moves)
	if first, last := moves[0], moves[len(moves)-1]; first > 2*time.Second || last < 3*time.Second || last > within/2+time.Second {
		t.Errorf("40 clients moved between %s and %s", first, last)
	}
}

// TestASnapshotIsNotInterruptedByAHandover asks for a move inside a snapshot,
// where there is no cursor to resume after.
func TestASnapshotIsNotInterruptedByAHandover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{feed: func(s *stream) error {
			s.hello()
			if s.attempt == 1 {
				s.fragment(snapshotBegin(), note("a"), askToMove())
				pass(s, 7*time.Second) // Longer than the wait before the move.
				s.send("e:5", note("b"), snapshotEnd())
				return s.hold()
			}
			s.send("e:6", note("done"))
			return s.hold()
		}}
		said, err := follow(t.Context(), v.login(t), client.FeedOptions{}, "done@e:6")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "delivered", said, []string{"hello", "begin", "a", "reconnect", "b", "end@e:5", "hello@e:5", "done@e:6"})
		equal(t, "resumed after", v.resumed(), []string{"", "e:5"})
	})
}

// TestAHandoverDoesNotContinueARevokedSession revokes the session while the next
// stream is being opened.
func TestAHandoverDoesNotContinueARevokedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opening := make(chan struct{})
		v := &venue{feed: func(s *stream) error {
			if s.attempt > 1 {
				close(opening)
				return s.hold()
			}
			s.hello()
			s.send(s.cursor, askToMove())
			<-opening
			return problem(codes.Aborted, client.ReasonSuperseded)
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := follow(ctx, v.login(t), client.FeedOptions{ResumeAfter: "e:5"}, "")
		if client.Reason(err) != client.ReasonSuperseded {
			t.Errorf("ended with %v", err)
		}
		if n := len(v.attached()); n != 2 {
			t.Errorf("attached %d times", n)
		}
	})
}

// TestTheNextStreamMayUseAnotherAddress resolves a name to two addresses: not all
// streams may use the first.
func TestTheNextStreamMayUseAnotherAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const streams = 40 // All use one address by chance once in 2^39 runs.
		v := &venue{feed: func(s *stream) error {
			s.hello()
			if s.attempt < streams {
				return problem(codes.Unavailable, client.ReasonStreamAge)
			}
			s.send("e:6", note("done"))
			return s.hold()
		}}
		var mu sync.Mutex // protects dialed
		dialed := make(map[string]int)
		v.connected = func(address string, conn net.Conn) net.Conn {
			mu.Lock()
			defer mu.Unlock()
			dialed[address]++
			return conn
		}
		names := manual.NewBuilderWithScheme("venue")
		names.InitialState(resolver.State{Addresses: []resolver.Address{{Addr: "one"}, {Addr: "two"}}})
		c := v.start(t, client.Config{Address: "venue:///", DialOptions: []grpc.DialOption{grpc.WithResolvers(names)}})
		c.Restore(client.Session{ConnectionID: "connection"})
		if _, err := follow(t.Context(), c, client.FeedOptions{ResumeAfter: "e:5"}, "done@e:6"); err != nil {
			t.Fatal(err)
		}
		if dialed["one"] == 0 || dialed["two"] == 0 || dialed["one"]+dialed["two"] < streams {
			t.Errorf("connected to %v", dialed)
		}
	})
}

// TestAnAdditionAfterAHandoverIsDelivered has the venue send what a change of the
// subscription adds while nothing else happens, at the cursor up to which the stream
// before had delivered.
func TestAnAdditionAfterAHandoverIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened, passed := make(chan struct{}), make(chan struct{})
		open := sync.OnceFunc(func() { close(opened) })
		v := &venue{feed: func(s *stream) error {
			if s.attempt == 1 {
				s.hello()
				s.send("e:6", event(6), askToMove())
				<-opened
				s.send("e:7", event(7))
				close(passed)
				return s.hold()
			}
			open()
			<-passed
			pass(s, time.Second) // The client has it.
			s.hello()
			s.send("e:7", event(7))
			added := note("added")
			added.Sequence = 7
			s.send("e:7", added)
			return s.hold()
		}}
		c := v.login(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var said []string
		for u, err := range c.Feed(ctx, client.FeedOptions{ResumeAfter: "e:5"}) {
			if err != nil {
				break
			}
			if u.Message.GetAnnouncement() != nil {
				said = append(said, say(u))
			}
			if u.Message.GetAnnouncement().GetText() == "added" {
				break
			}
		}
		equal(t, "it said", said, []string{"6", "7@e:7", "added@e:7"})
	})
}
