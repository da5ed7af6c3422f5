package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/trade"
)

// member is an engine that shares a journal with others.
type member struct {
	*Engine

	t    *testing.T
	log  *journal.Log
	stop func()

	mu      sync.Mutex
	reports []Report
}

// join runs an engine over the store: the leader's when open is journal.Open, a
// follower's when it is journal.Follow.
func join(t *testing.T, store journal.Store, bell journal.Bell, options Options,
	open func(context.Context, journal.Store, journal.Options) (*journal.Log, error),
) *member {
	t.Helper()
	log, err := open(t.Context(), store, journal.Options{Bell: bell})
	if err != nil {
		t.Fatal(err)
	}
	m := &member{t: t, log: log}
	options.Clock = time.Now
	options.Report = func(r Report) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.reports = append(m.reports, r)
	}
	if m.Engine, err = Open(t.Context(), log, options); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = log.Run(ctx) })
	running.Go(func() {
		if err := m.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	m.stop = func() { cancel(); running.Wait() }
	t.Cleanup(m.stop)
	synctest.Wait() // It listens.
	return m
}

// at returns the state's sequence and hash.
func (m *member) at() (uint64, [32]byte) {
	m.t.Helper()
	sequence, sum, err := m.HashNow(context.WithoutCancel(m.t.Context()))
	if err != nil {
		m.t.Fatal(err)
	}
	return sequence, sum
}

// play submits steps and calls after following each.
func (m *member) play(stream []step, after func()) {
	for _, s := range stream {
		time.Sleep(s.wait)
		_, _ = m.Submit(m.t.Context(), s.command) // Some are meant to be refused.
		after()
	}
}

// same fails the test when members are not at the same sequence and state.
func same(t *testing.T, members ...*member) {
	t.Helper()
	synctest.Wait()
	sequence, sum := members[0].at()
	for _, m := range members[1:] {
		if got, gotSum := m.at(); got != sequence || gotSum != sum {
			t.Fatalf("one engine is at %d %x, another at %d %x", sequence, sum[:4], got, gotSum[:4])
		}
	}
}

func TestAFollowerHasTheLeadersStateAfterEachCommand(t *testing.T) {
	stream := append(streamSetup(), makeStream(newStreamVenue(t), 1, 300)...)
	synctest.Test(t, func(t *testing.T) {
		store, bell := journaltest.NewMemoryStore(), &journal.LocalBell{}
		leader := join(t, store, bell, Options{SnapshotEvery: 50}, journal.Open)
		follower := join(t, store, bell, Options{SnapshotEvery: 1}, journal.Follow)
		for i, s := range stream {
			time.Sleep(s.wait)
			_, _ = leader.Submit(t.Context(), s.command)
			same(t, leader, follower)
			if i == len(stream)/2 { // From a snapshot and what came after it.
				late := join(t, store, bell, Options{}, journal.Follow)
				same(t, leader, late)
			}
		}
		if _, err := follower.Submit(t.Context(), stream[0].command); !errors.Is(err, ErrNotLeader) {
			t.Errorf("a command to a follower: %v", err)
		}
		if err := follower.Health(); err != nil {
			t.Errorf("health of a follower: %v", err)
		}
		follower.stop()
		if len(follower.reports) > 0 {
			t.Errorf("a follower reports %v: it writes no snapshots", follower.reports)
		}
	})
}

func TestPromotionLosesNothing(t *testing.T) {
	stream := append(streamSetup(), makeStream(newStreamVenue(t), 2, 200)...)
	synctest.Test(t, func(t *testing.T) {
		store, bell := journaltest.NewMemoryStore(), &journal.LocalBell{}
		one := join(t, store, bell, Options{}, journal.Open)
		two := join(t, store, bell, Options{}, journal.Follow)
		acknowledged := map[trade.RequestID]trade.Answer{}
		for i := range stream {
			time.Sleep(stream[i].wait)
			answer, err := one.Submit(t.Context(), stream[i].command)
			if request := stream[i].command.From().Request; err == nil && request != "" {
				if earlier, again := acknowledged[request]; again && earlier != answer {
					t.Fatalf("request %s was answered %+v, now %+v", request, earlier, answer)
				}
				acknowledged[request] = answer
			}
			if i%20 != 19 {
				continue
			}
			// The roles change; users cannot see the order of the steps.
			if err := one.Demote(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := one.Submit(t.Context(), stream[i].command); !errors.Is(err, ErrNotLeader) {
				t.Fatalf("a command to the former leader: %v", err)
			}
			if err := two.Promote(t.Context()); err != nil {
				t.Fatal(err)
			}
			same(t, one, two)
			one, two = two, one
		}
		if len(acknowledged) < 100 {
			t.Fatalf("only %d commands were acknowledged", len(acknowledged))
		}
		one.stop()
		two.stop()
		_, sum, err := one.Hash()
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := load(t.Context(), one.log)
		if err != nil || hashOf(t, again) != sum {
			t.Errorf("the journal leads to another state: %v", err)
		}
	})
}

func TestAFormerLeaderIsRefusedAndFollows(t *testing.T) {
	stream := streamSetup()
	synctest.Test(t, func(t *testing.T) {
		store, bell := journaltest.NewMemoryStore(), &journal.LocalBell{}
		former := join(t, store, bell, Options{}, journal.Open)
		former.play(stream, func() {})
		next := join(t, store, bell, Options{}, journal.Follow)
		if err := next.Promote(t.Context()); err != nil {
			t.Fatal(err)
		}
		// The former leader does not know yet, and the new one has decided nothing yet.
		command := &trade.ConfigureVenue{Venue: trade.Venue{DayEnd: 60}}
		results := former.SubmitAll(t.Context(), []trade.Command{command, command})
		for _, r := range results {
			if !errors.Is(r.Err, ErrNotLeader) {
				t.Fatalf("a command to the former leader: %+v", r)
			}
		}
		if former.Role() != Follower || next.Role() != Leader {
			t.Fatalf("the former leader is %v, the next one %v", former.Role(), next.Role())
		}
		if _, err := next.Submit(t.Context(), command); err != nil {
			t.Fatal(err)
		}
		same(t, next, former)
		if err := former.Health(); err != nil {
			t.Error(err)
		}
	})
}

func TestOnlyOneOfManyLeadersWritesAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, bell := journaltest.NewMemoryStore(), &journal.LocalBell{}
		members := []*member{join(t, store, bell, Options{}, journal.Open)}
		for range 2 {
			members = append(members, join(t, store, bell, Options{}, journal.Follow))
		}
		members[0].play(streamSetup(), func() {})
		var working sync.WaitGroup
		var mu sync.Mutex
		acknowledged := 0
		for i, m := range members {
			working.Go(func() {
				for n := range 50 {
					if n%10 == 3*i {
						_ = m.Promote(t.Context())
					}
					id := fmt.Sprintf("user%d-%d", i, n)
					command := &trade.UpsertUser{Create: true, NewUser: trade.User{
						ID: trade.UserID(id), DisplayName: id, Roles: trade.RoleTrader, Accounts: []trade.AccountID{trade.AccountID(id)},
					}}
					if _, err := m.Submit(t.Context(), command); err == nil {
						mu.Lock()
						acknowledged++
						mu.Unlock()
					} else if !errors.Is(err, ErrNotLeader) {
						t.Errorf("%v", err)
					}
				}
			})
		}
		working.Wait()
		leaders := 0
		for _, m := range members { // A former leader learns of it when it appends.
			switch _, err := m.Submit(t.Context(), &trade.ConfigureVenue{Venue: trade.Venue{DayEnd: 60}}); {
			case err == nil:
				leaders++
			case !errors.Is(err, ErrNotLeader):
				t.Error(err)
			}
		}
		if leaders != 1 {
			t.Errorf("%d leaders", leaders)
		}
		same(t, members...)
		users := 0
		if err := members[0].control(t.Context(), func(context.Context) error {
			users = len(members[0].state.users)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if want := len(streamUsers) + 2 + acknowledged; users != want || acknowledged == 0 {
			t.Errorf("%d users, %d were acknowledged", users, want)
		}
	})
}

func TestAFollowerContinuesAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, bell := journaltest.NewMemoryStore(), &journal.LocalBell{}
		leader := join(t, store, bell, Options{}, journal.Open)
		leader.play(streamSetup(), func() {})
		faulty := journaltest.NewFaulty(store.Reopen())
		follower := join(t, faulty, bell, Options{}, journal.Follow)
		cause := errors.New("the database is away")
		if err := follower.control(t.Context(), func(context.Context) error {
			follower.fail(cause, true)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := follower.Health(); !errors.Is(err, cause) {
			t.Fatalf("health: %v", err)
		}
		time.Sleep(2 * retryJournal)
		synctest.Wait()
		if err := follower.Health(); err != nil {
			t.Fatal(err)
		}
		for _, fault := range []journaltest.Fault{journaltest.FaultBefore, journaltest.FaultAfter} {
			faulty.Fail(fault, 1, cause)
			if err := follower.Promote(t.Context()); !errors.Is(err, cause) || follower.Role() != Follower {
				t.Fatalf("promoted although the journal takes no records: %v", err)
			}
		}
		if err := follower.Promote(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := leader.Submit(t.Context(), &trade.ConfigureVenue{Venue: trade.Venue{DayEnd: 60}}); !errors.Is(err, ErrNotLeader) {
			t.Fatal(err)
		}
	})
}
