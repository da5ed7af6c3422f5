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

// recorder is an engine that records the commands of presence.
type recorder struct {
	t       *testing.T
	mu      sync.Mutex
	entries []string
	fail    error
	calls   int
	before  func() // is called before a submission is answered
}

func (d *recorder) submit(_ context.Context, commands []trade.Command) []error {
	if d.before != nil {
		d.before()
	}
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
			if !c.DayOnly || c.Reason != trade.ReasonDisconnected || c.Actor != (trade.Actor{}) {
				d.entries = append(d.entries, fmt.Sprintf("wrong: %+v", c))
			}
			d.entries = append(d.entries, "cancel "+c.Session)
		}
	}
	return errs
}

func (d *recorder) setFailure(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

// take returns the entries since the last call, sorted.
func (d *recorder) take() []string {
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

func (p people) Users() []trade.User { return p }

// inPresence runs a test with a presence whose grace is 15 s.
func inPresence(t *testing.T, who people, test func(p *presence, d *recorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &recorder{t: t}
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

func (d *recorder) want(want ...string) {
	d.t.Helper()
	if got := d.take(); !slices.Equal(got, want) {
		d.t.Errorf("the engine got %q, want %q", got, want)
	}
}

// wait lets time pass; inside a synctest bubble this takes no real time.
func wait(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

var (
	alice = principal{user: "alice", session: "s1"}
	// bob asked for a cancel 10 s after a disconnect.
	bob = principal{user: "bob", session: "s2", cancelAfter: 10 * time.Second}

	town = people{
		{ID: "alice", Accounts: []trade.AccountID{"alice"}},
		{ID: "bob", Accounts: []trade.AccountID{"bob", "desk"}},
	}
)

func TestAUserIsOnlineFromTheFirstAttachToTheLastEnd(t *testing.T) {
	inPresence(t, town, func(p *presence, d *recorder) {
		p.attached(alice)
		d.want("alice in")
		p.attached(principal{user: "alice", session: "other"})
		d.want()
		p.ended(alice, push.ReasonDisconnected)
		wait(time.Hour)
		d.want()
		p.ended(principal{user: "alice", session: "other"}, push.ReasonDisconnected)
		wait(14 * time.Second)
		d.want()
		wait(time.Second)
		d.want("alice out")
	})
}

func TestAResumeWithinTheGraceIsNoSignOut(t *testing.T) {
	inPresence(t, town, func(p *presence, d *recorder) {
		p.attached(alice)
		d.want("alice in")
		for range 5 {
			p.ended(alice, push.ReasonSlowConsumer)
			wait(14 * time.Second)
			p.attached(alice)
		}
		wait(time.Hour)
		d.want()
		p.ended(alice, push.ReasonDisconnected)
		wait(10 * time.Second)
		p.attached(alice)
		p.ended(alice, push.ReasonDisconnected)
		wait(10 * time.Second)
		d.want() // The grace began again.
		wait(5 * time.Second)
		d.want("alice out")
	})
}

func TestATakeOverIsNoSignOut(t *testing.T) {
	inPresence(t, town, func(p *presence, d *recorder) {
		p.attached(alice)
		p.attached(alice) // The new stream begins before the handler of the old one returns.
		p.ended(alice, push.ReasonReplaced)
		wait(time.Hour)
		d.want("alice in")
	})
}

func TestASignedOutUserIsOfflineAtOnce(t *testing.T) {
	inPresence(t, town, func(p *presence, d *recorder) {
		p.attached(alice)
		d.want("alice in")
		p.ended(alice, push.ReasonSessionRevoked)
		d.want("alice out")
	})
}

func TestARestartOfTheServerSignsNoUserOut(t *testing.T) {
	was := people{
		{ID: "alice", Online: true, Accounts: []trade.AccountID{"alice"}},
		{ID: "bob", Online: true, Accounts: []trade.AccountID{"bob"}},
		{ID: "carol", Accounts: []trade.AccountID{"carol"}},
	}
	inPresence(t, was, func(p *presence, d *recorder) {
		wait(10 * time.Second)
		p.attached(alice)
		wait(time.Minute)
		d.want("bob out") // Alice returned, Bob did not, Carol was offline.
	})
	inPresence(t, town, func(p *presence, d *recorder) {
		p.attached(alice)
		p.attached(bob)
		d.want("alice in", "bob in")
		p.ended(alice, push.ReasonShutdown)
		p.ended(bob, push.ReasonShutdown)
		wait(time.Minute)
		d.want() // The server is stopping: no sign-out, no cancel.
	})
}

func TestOrdersAreCanceledWhenASessionStaysAbsent(t *testing.T) {
	inPresence(t, town, func(p *presence, d *recorder) {
		p.attached(bob)
		d.want("bob in")
		p.ended(bob, push.ReasonDisconnected)
		wait(9 * time.Second)
		p.attached(bob)
		wait(time.Minute)
		d.want() // Bob returned in time.

		p.ended(bob, push.ReasonNotAcknowledging)
		wait(10 * time.Second)
		d.want("cancel s2")
		wait(5 * time.Second)
		d.want("bob out")
		wait(time.Hour)
		d.want()
	})
}

func TestCancelOnDisconnectIsPerSession(t *testing.T) {
	inPresence(t, town, func(p *presence, d *recorder) {
		phone := principal{user: "bob", session: "phone"}
		p.attached(bob)
		p.attached(phone)
		d.want("bob in")
		p.ended(bob, push.ReasonDisconnected)
		wait(10 * time.Second)
		d.want("cancel s2") // The phone is still attached, and did not ask for it.
		p.ended(phone, push.ReasonDisconnected)
		wait(15 * time.Second)
		d.want("bob out")
	})
}

func TestASessionThatNeverAttachesLosesItsOrders(t *testing.T) {
	inPresence(t, town, func(p *presence, d *recorder) {
		p.acted(alice) // She did not ask for it.
		p.acted(bob)
		wait(6 * time.Second)
		p.acted(bob) // The cancel that is planned follows this order, too.
		wait(4 * time.Second)
		d.want("cancel s2")
		wait(time.Hour)
		d.want()
		p.acted(bob)
		wait(9 * time.Second)
		p.attached(bob)
		wait(time.Hour)
		d.want("bob in")
		p.acted(bob)
		wait(time.Hour)
		d.want()
	})
}

func TestAnOrderThatArrivesAfterTheDisconnectIsCanceled(t *testing.T) {
	inPresence(t, town, func(p *presence, d *recorder) {
		p.attached(bob)
		p.ended(bob, push.ReasonDisconnected)
		wait(10 * time.Second)
		d.want("bob in", "cancel s2")
		p.acted(bob) // Was under way.
		wait(10 * time.Second)
		d.want("bob out", "cancel s2")
	})
}

// TestAnOrderIsCanceledThatArrivesWhileTheEngineCancels is about an order that the engine
// gets after the cancel, before the cancel is answered.
func TestAnOrderIsCanceledThatArrivesWhileTheEngineCancels(t *testing.T) {
	inPresence(t, town, func(p *presence, d *recorder) {
		d.before = func() {
			d.before = nil
			p.acted(bob)
		}
		p.acted(bob)
		wait(10 * time.Second)
		d.want("cancel s2")
		wait(10 * time.Second)
		d.want("cancel s2")
		wait(time.Hour)
		d.want()
	})
}

func TestACommandThatTheEngineDidNotTakeIsSubmittedAgain(t *testing.T) {
	inPresence(t, town, func(p *presence, d *recorder) {
		d.setFailure(errEngine)
		p.attached(bob)
		wait(500 * time.Millisecond)
		p.ended(bob, push.ReasonDisconnected)
		wait(30 * time.Second)
		d.want()
		d.setFailure(nil)
		wait(2 * time.Second)
		// Bob was online and is offline again; the due cancel is still submitted.
		d.want("cancel s2")

		d.setFailure(trade.Refuse(trade.ReasonUnknownUser, "", ""))
		p.attached(alice)
		wait(time.Second)
		calls := d.calls
		wait(time.Minute)
		if d.calls != calls {
			t.Error("a refused command was submitted again")
		}
	})
}

func TestManySignInsAreOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &recorder{t: t}
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

func TestNothingIsKeptOfAbsentUsers(t *testing.T) {
	inPresence(t, town, func(p *presence, d *recorder) {
		for range 100 {
			p.attached(bob)
			p.ended(bob, push.ReasonDisconnected)
			p.acted(principal{user: "carol", session: "s3", cancelAfter: time.Second})
		}
		wait(time.Hour)
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
		d := &recorder{t: t, fail: errEngine}
		p := newPresence(d.submit, town, PresenceOptions{}, func(err error) { faults = append(faults, err) })
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.run(ctx) }()
		p.attached(alice)
		wait(3 * time.Second)
		stop()
		if err := <-done; err != nil {
			t.Errorf("run returned %v", err)
		}
	})
	if len(faults) == 0 || !errors.Is(faults[0], errEngine) {
		t.Errorf("reported %v", faults)
	}
}
