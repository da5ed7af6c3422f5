package main

import (
	"context"
	"fmt"
	"testing"

	chatv1 "todoku/gen/chat/v1"
	"todoku/push"
)

// following is a member that follows, and what it received.
type following struct {
	words chan string // Texts of posts, and "reset".
	done  chan error  // What follow returned.
	stop  context.CancelFunc
}

func follow(t *testing.T, g *guest, name string) *following {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	f := &following{words: make(chan string, 1000), done: make(chan error, 1), stop: stop}
	go func() {
		f.done <- newMember(g, "tea", name).follow(ctx, func(r *chatv1.JoinResponse) {
			for _, e := range r.GetEntries() {
				if e.GetHistoryReset() != nil {
					f.words <- "reset"
				}
				if e.GetPost() != nil {
					f.words <- e.GetPost().GetText()
				}
			}
		})
	}()
	t.Cleanup(stop)
	return f
}

func TestFollowResumesAfterCutsAndRestarts(t *testing.T) {
	h := open(t, 1000, "")
	alice, speaker := visit(t, h.address), visit(t, h.address)
	f := follow(t, alice, "alice")
	for i := range 40 {
		word := fmt.Sprint("word ", i)
		speaker.say(t, word)
		if i%20 == 10 {
			alice.cut() // While posts are in flight.
		}
	}
	for i := range 40 {
		if got, want := <-f.words, fmt.Sprint("word ", i); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	h.close()
	visit(t, open(t, 1000, h.address).address).say(t, "a new day")
	if got := <-f.words; got != "reset" {
		t.Errorf("after the restart came %q", got)
	}
	if got := <-f.words; got != "a new day" {
		t.Errorf("after the reset came %q", got)
	}
	f.stop()
	if err := <-f.done; err != nil {
		t.Error(err)
	}
}

func TestFollowEndsWhenAnotherClientTakesOver(t *testing.T) {
	h := open(t, 10, "")
	speaker := visit(t, h.address)
	first := follow(t, visit(t, h.address), "alice")
	speaker.say(t, "one")
	<-first.words // It is attached.
	second := follow(t, visit(t, h.address), "alice")
	if err := <-first.done; reasonOf(err) != push.ReasonSuperseded {
		t.Errorf("ended with %v", err)
	}
	if got := <-second.words; got != "one" {
		t.Errorf("the other got %q", got)
	}
}
