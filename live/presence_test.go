package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"todoku/push"
	"todoku/trade"
)

// diary is an engine that writes down what presence tells it.
type diary struct {
	t       *testing.T
	mu      sync.Mutex
	entries []string
	fail    error
	calls   int
}

func (d *diary) submit(_ context.Context, commands []trade.Command) []error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	errs := make([]error, len(commands))
	for i, command := range commands {
		if d.fail != nil {
			errs[i] = d.fail
			continue
		}
		switch c := command.(type) {
		case *trade.SetPresence:
			word := "out"
			if c.Online {
				word = "in"
			}
			d.entries = append(d.entries, fmt.Sprintf("%s %s", c.Subject, word))
		case *trade.MassCancel:
			if !c.DayOnly || c.Reason != trade.ReasonDisconnected || c.User != "" {
				d.entries = append(d.entries, fmt.Sprintf("wrong: %+v", c))
			}
			d.entries = append(d.entries, "cancel "+string(c.Account))
		}
	}
	return errs
}

func (d *diary) setFailure(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

// take returns what was written since the last call, sorted within one moment.
func (d *diary) take() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	entries := d.entries
	d.entries = nil
	slices.Sort(entries)
	return entries
}

var errEngine = errors.New("the engine took nothing")

// people is a directory of fixed users.
type people []trade.User

func (people) Ready() <-chan struct{} {
	ready := make(chan struct{})
	close(ready)
	return ready
}

func (p people) User(id trade.UserID) (trade.User, bool) {
	for _, user := range p {
		if user.ID == id {
			return user, true
		}
	}
	return trade.User{}, false
}

func (p people) Users() []trade.User { return p }

// inPresence runs a test with a presence whose grace is 15 s.
func inPresence(t *testing.T, who people, test func(p *presence, d *diary)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &diary{t: t}
		p := newPresence(d.submit, who, PresenceOptions{}, func(error) {})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.run(ctx) }()
		test(p, d)
		stop()
		if err := <-done; err != nil {
			t.Errorf("run returned %v", err)
		}
	})
}

func (d *diary) wrote(want ...string) {
	d.t.Helper()
	if got := d.take(); !slices.Equal(got, want) {
		d.t.Errorf("the engine was told %q, want %q", got, want)
	}
}

// later lets time pass. Inside a bubble that is free.
func later(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

var (
	alice = principal{user: "alice", session: "s1"}
	// bob wants his orders canceled 10 s after he is gone.
	bob = principal{user: "bob", session: "s2", cancelAfter: 10 * time.Second}

	town = people{
		{ID: "alice", Accounts: []trade.AccountID{"alice"}},
		{ID: "bob", Accounts: []trade.AccountID{"bob", "desk"}},
	}
)

func TestAUserIsInFromTheFirstAttachToTheLastEnd(t *testing.T) {
	inPresence(t, town, func(p *presence, d *diary) {
		p.attached(alice)
		d.wrote("alice in")
		p.attached(principal{user: "alice", session: "other"})
		d.wrote()
		p.ended(alice, push.ReasonDisconnected)
		later(time.Hour)
		d.wrote()
		p.ended(principal{user: "alice", session: "other"}, push.ReasonDisconnected)
		later(14 * time.Second)
		d.wrote()
		later(time.Second)
		d.wrote("alice out")
	})
}

func TestAResumeWithinTheGraceIsNoSignOut(t *testing.T) {
	inPresence(t, town, func(p *presence, d *diary) {
		p.attached(alice)
		d.wrote("alice in")
		for range 5 {
			p.ended(alice, push.ReasonSlowConsumer)
			later(14 * time.Second)
			p.attached(alice)
		}
		later(time.Hour)
		d.wrote()
		p.ended(alice, push.ReasonDisconnected)
		later(10 * time.Second)
		p.attached(alice)
		p.ended(alice, push.ReasonDisconnected)
		later(10 * time.Second)
		d.wrote() // The grace began anew.
		later(5 * time.Second)
		d.wrote("alice out")
	})
}

func TestATakeOverIsNoSignOut(t *testing.T) {
	inPresence(t, town, func(p *presence, d *diary) {
		p.attached(alice)
		p.attached(alice) // The new stream begins before the old one's handler returns.
		p.ended(alice, push.ReasonReplaced)
		later(time.Hour)
		d.wrote("alice in")
	})
}

func TestWhoSignedOutIsOutAtOnce(t *testing.T) {
	inPresence(t, town, func(p *presence, d *diary) {
		p.attached(alice)
		d.wrote("alice in")
		p.ended(alice, push.ReasonSessionRevoked)
		d.wrote("alice out")
	})
}

func TestARestartOfTheServerSignsNobodyOut(t *testing.T) {
	was := people{
		{ID: "alice", Online: true, Accounts: []trade.AccountID{"alice"}},
		{ID: "bob", Online: true, Accounts: []trade.AccountID{"bob"}},
		{ID: "carol", Accounts: []trade.AccountID{"carol"}},
	}
	inPresence(t, was, func(p *presence, d *diary) {
		later(10 * time.Second)
		p.attached(alice)
		later(time.Minute)
		d.wrote("bob out") // Alice came back, Bob did not, Carol was not in.
	})
	inPresence(t, town, func(p *presence, d *diary) {
		p.attached(alice)
		p.attached(bob)
		d.wrote("alice in", "bob in")
		p.ended(alice, push.ReasonShutdown)
		p.ended(bob, push.ReasonShutdown)
		later(time.Minute)
		d.wrote() // Neither a sign-out nor a cancel: the server is stopping.
	})
}

func TestOrdersAreCanceledWhenASessionStaysAway(t *testing.T) {
	inPresence(t, town, func(p *presence, d *diary) {
		p.attached(bob)
		d.wrote("bob in")
		p.ended(bob, push.ReasonDisconnected)
		later(9 * time.Second)
		p.attached(bob)
		later(time.Minute)
		d.wrote() // He came back in time.

		p.ended(bob, push.ReasonNotAcknowledging)
		later(10 * time.Second)
		d.wrote("cancel bob", "cancel desk")
		later(5 * time.Second)
		d.wrote("bob out")
		later(time.Hour)
		d.wrote()
	})
}

func TestTheDisconnectIsTheSessionsNotTheUsers(t *testing.T) {
	inPresence(t, town, func(p *presence, d *diary) {
		phone := principal{user: "bob", session: "phone"}
		p.attached(bob)
		p.attached(phone)
		d.wrote("bob in")
		p.ended(bob, push.ReasonDisconnected)
		later(10 * time.Second)
		d.wrote("cancel bob", "cancel desk") // The phone is there still, and did not ask for it.
		p.ended(phone, push.ReasonDisconnected)
		later(15 * time.Second)
		d.wrote("bob out")
	})
}

func TestWhatTheEngineDidNotTakeIsToldAgain(t *testing.T) {
	inPresence(t, town, func(p *presence, d *diary) {
		d.setFailure(errEngine)
		p.attached(bob)
		later(500 * time.Millisecond)
		p.ended(bob, push.ReasonDisconnected)
		later(30 * time.Second)
		d.wrote()
		d.setFailure(nil)
		later(2 * time.Second)
		// He was in and is out again meanwhile; what was due is still done.
		d.wrote("cancel bob", "cancel desk")

		d.setFailure(trade.Refuse(trade.ReasonUnknownUser, "", ""))
		p.attached(alice)
		later(time.Second)
		calls := d.calls
		later(time.Minute)
		if d.calls != calls {
			t.Error("what was refused for good was told again")
		}
	})
}

func TestManySignInsAreOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{t: t}
		p := newPresence(d.submit, people{}, PresenceOptions{}, func(error) {})
		for i := range maxPresenceBatch {
			p.attached(principal{user: trade.UserID(fmt.Sprintf("u%04d", i))})
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.run(ctx) }()
		if got := len(d.take()); got != maxPresenceBatch {
			t.Errorf("%d signed in", got)
		}
		if d.calls != 1 {
			t.Errorf("it took %d commits", d.calls)
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("run returned %v", err)
		}
	})
}

func TestNothingIsKeptOfWhoIsGone(t *testing.T) {
	inPresence(t, town, func(p *presence, d *diary) {
		for range 100 {
			p.attached(bob)
			p.ended(bob, push.ReasonDisconnected)
		}
		later(time.Hour)
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.subjects) != 0 || len(p.schedule) != 0 {
			t.Errorf("kept %d subjects, %d entries", len(p.subjects), len(p.schedule))
		}
	})
}

func TestPresenceToleratesAnEngineThatStops(t *testing.T) {
	var faults []error
	synctest.Test(t, func(t *testing.T) {
		d := &diary{t: t, fail: errEngine}
		p := newPresence(d.submit, town, PresenceOptions{}, func(err error) { faults = append(faults, err) })
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.run(ctx) }()
		p.attached(alice)
		later(3 * time.Second)
		stop()
		if err := <-done; err != nil {
			t.Errorf("run returned %v", err)
		}
	})
	if len(faults) == 0 || !errors.Is(faults[0], errEngine) {
		t.Errorf("reported %v", faults)
	}
}
