package account_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"todoku/account"
)

// heldVenue is a service whose password checks begin and do not end before the store
// is released: whoever else asks must wait.
type heldVenue struct {
	*account.Service
	t       *testing.T
	store   slowStore
	mu      sync.Mutex // protects results
	results map[string][]error
	running sync.WaitGroup
}

// newHeldVenue has the user alice with a session; alice signed in from 192.0.2.7.
func newHeldVenue(t *testing.T, config account.Config) (v *heldVenue, alice account.Identity) {
	t.Helper()
	v = &heldVenue{t: t, store: slowStore{Store: newStore(t), release: make(chan struct{})}, results: map[string][]error{}}
	config.Hash = account.HashCost{MemoryKiB: 8, Passes: 1, Lanes: 1}
	config.MinPassword = 1
	open, err := account.NewService(t.Context(), v.store.Store, config)
	must(t, err)
	for _, user := range []string{"alice", "bob"} {
		must(t, open.SetPassword(t.Context(), user, password))
	}
	grant, err := open.Login(t.Context(), "alice", password, account.LoginInfo{RemoteAddr: "192.0.2.7"})
	must(t, err)
	must(t, open.Flush(t.Context()))
	v.Service, err = account.NewService(t.Context(), v.store, config)
	must(t, err)
	alice, err = v.Verify(t.Context(), grant.AccessToken.Reveal())
	must(t, err)
	return v, alice
}

// begin starts a call, and returns when it has ended or waits.
func (v *heldVenue) begin(who string, call func() error) {
	v.running.Go(func() {
		err := call()
		v.mu.Lock()
		defer v.mu.Unlock()
		v.results[who] = append(v.results[who], err)
	})
	synctest.Wait()
}

func (v *heldVenue) signIn(who, user, secret, remote string) {
	v.begin(who, func() error { return signIn(v.t, v.Service, user, secret, remote) })
}

// busy returns how many calls of who were refused because too many wait.
func (v *heldVenue) busy(who string) (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, err := range v.results[who] {
		if errors.Is(err, account.ErrBusy) {
			n++
		}
	}
	return n
}

// end lets the checks go on and waits for all calls.
func (v *heldVenue) end() {
	close(v.store.release)
	v.running.Wait()
}

func TestOneUserWaitsForOnePasswordCheckAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, alice := newHeldVenue(t, account.Config{HashConcurrency: 2})
		for range 400 {
			v.begin("change", func() error { return v.ChangePassword(t.Context(), alice, "198.51.100.9", "wrong", "staple battery") })
		}
		// One is being checked and one waits.
		if busy, waiting := v.busy("change"), v.Stats().SignInsWaiting; busy != 398 || waiting != 1 {
			t.Errorf("%d of 400 were refused and %d wait, want 398 and 1", busy, waiting)
		}
		v.signIn("bob", "bob", password, "198.51.100.1")
		v.end()
		must(t, errors.Join(v.results["bob"]...))
	})
}

func TestGuessesFromManyNetworksLeavePlacesForKnownOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, alice := newHeldVenue(t, account.Config{HashConcurrency: 1, HashQueue: 8})
		for i := range 100 {
			v.signIn("flood", fmt.Sprint("user", i), "guess", fmt.Sprint("203.0.113.", i))
		}
		if v.busy("flood") == 0 {
			t.Error("the queue is not full: the test is of no use")
		}
		v.signIn("alice", "alice", password, "192.0.2.7:5000")
		v.begin("change", func() error { return v.ChangePassword(t.Context(), alice, "198.51.100.9", password, "staple battery") })
		v.end()
		must(t, errors.Join(append(v.results["alice"], v.results["change"]...)...))
	})
}
