package journal_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"todoku/journal"
	"todoku/journal/journaltest"
)

// countedReads counts the reads of records that reach the store.
type countedReads struct {
	journal.Store

	reads atomic.Int64
}

func (c *countedReads) Read(ctx context.Context, after uint64, limit int) ([]journal.Record, error) {
	c.reads.Add(1)
	return c.Store.Read(ctx, after, limit)
}

// unreliableBell loses, repeats and reorders announcements.
type unreliableBell struct {
	journal.LocalBell

	random *rand.Rand
	kept   []journal.Announcement // announced later, or never
	deaf   atomic.Bool            // Listen fails at once
}

var errDeaf = errors.New("the bell's connection is broken")

func (b *unreliableBell) Listen(ctx context.Context, heard func(journal.Announcement)) error {
	if b.deaf.Load() {
		return errDeaf
	}
	return b.LocalBell.Listen(ctx, heard)
}

func (b *unreliableBell) Ring(a journal.Announcement) {
	switch b.random.IntN(6) {
	case 0: // lost
		return
	case 1:
		b.kept = append(b.kept, a)
		return
	case 2:
		b.LocalBell.Ring(a)
	case 3:
		a.Records = nil
	case 4: // a batch that is not whole
		if len(a.Records) > 1 {
			a.Records = a.Records[:len(a.Records)-1]
		}
	}
	b.LocalBell.Ring(a)
	for _, late := range b.kept {
		b.LocalBell.Ring(late)
	}
	b.kept = nil
}

// pair opens a leader and a follower on one journal. The follower runs until the
// test ends.
func pair(t *testing.T, bell journal.Bell, options journal.Options) (leader, follower *journal.Log, reads *countedReads) {
	t.Helper()
	options.Bell = bell
	store := journaltest.NewMemoryStore()
	leader, err := journal.Open(t.Context(), store, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(leader.Close)
	reads = &countedReads{Store: store.Reopen()}
	follower, err = journal.Follow(t.Context(), reads, options)
	if err != nil {
		t.Fatal(err)
	}
	run(t, follower)
	return leader, follower, reads
}

// run runs a Log until the test ends.
func run(t *testing.T, log *journal.Log) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- log.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		log.Close()
	})
}

// follow reads from a Log up to a sequence and fails when a record is missing,
// repeated, or not what was appended.
func follow(t *testing.T, log *journal.Log, after, through uint64) {
	t.Helper()
	for after < through {
		if _, err := log.Wait(t.Context(), after); err != nil {
			t.Fatal(err)
		}
		records, err := log.Read(t.Context(), after, 7)
		if err != nil || len(records) == 0 {
			t.Fatalf("read after %d: %d records, %v", after, len(records), err)
		}
		for i, want := range journaltest.Records(after, len(records)) {
			if got := records[i]; got.Sequence != want.Sequence || string(got.Data) != string(want.Data) {
				t.Fatalf("after %d: got %d %q, want %d", after, got.Sequence, got.Data, want.Sequence)
			}
		}
		after = records[len(records)-1].Sequence
	}
}

func TestAFollowerReadsNothingThatItsBellBrought(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leader, follower, reads := pair(t, &journal.LocalBell{}, journal.Options{})
		synctest.Wait()
		for range 100 {
			appendTo(t, leader, 3)
			synctest.Wait()
			if got, want := follower.Head(), leader.Head(); got != want {
				t.Fatalf("the follower is at %d, the leader at %d", got, want)
			}
		}
		follow(t, follower, 0, 300)
		if got := reads.reads.Load(); got != 0 {
			t.Fatalf("%d reads of the store", got)
		}
	})
}

func TestALostAnnouncementCostsTimeAndNoRecord(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			const recheck = time.Second
			bell := &unreliableBell{random: rand.New(rand.NewPCG(seed, 1))}
			leader, follower, _ := pair(t, bell, journal.Options{MaxRecords: 50, Recheck: recheck})
			read := make(chan struct{})
			go func() {
				defer close(read)
				follow(t, follower, 0, 400)
			}()
			for leader.Head() < 400 {
				appendTo(t, leader, 1+int(min(bell.random.Uint64N(9), 399-leader.Head())))
				if bell.random.IntN(4) == 0 {
					synctest.Wait()
				}
				if got, announced := follower.Head(), leader.Head(); got > announced {
					t.Errorf("the follower shows %d, announced is %d", got, announced)
				}
				bell.deaf.Store(bell.random.IntN(5) == 0)
			}
			// Whatever was lost: the leader repeats its head, the follower asks for it.
			bell.LocalBell.Ring(journal.Announcement{Head: leader.Head()})
			began := time.Now()
			<-read
			if took := time.Since(began); took > recheck {
				t.Errorf("the last record came %s after it was announced, the interval is %s", took, recheck)
			}
			if err := follower.Err(); err != nil && !errors.Is(err, errDeaf) {
				t.Error(err)
			}
		})
	}
}

func TestAFollowerShowsNothingThatWasNotAnnounced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leader, follower, reads := pair(t, &journal.LocalBell{}, journal.Options{})
		appendTo(t, leader, 5)
		// These are in the store, where everybody can see them, and not announced.
		if err := reads.Append(t.Context(), 5, journaltest.Records(5, 5)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := follower.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		records, err := follower.Read(t.Context(), 0, 100)
		if err != nil || len(records) != 5 || follower.Head() != 5 {
			t.Fatalf("%d records, %v, head %d", len(records), err, follower.Head())
		}
		late, err := journal.Follow(t.Context(), reads, journal.Options{Bell: &journal.LocalBell{}})
		if err != nil || late.Head() != 0 {
			t.Fatalf("a follower that has heard nothing shows %d, %v", late.Head(), err)
		}
		late.Close()
	})
}

func TestOfTwoLeadersTheFormerOneStepsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		former, next, _ := pair(t, &journal.LocalBell{}, journal.Options{})
		run(t, former)
		appendTo(t, former, 5)
		synctest.Wait()
		if err := next.Append(t.Context(), 5, journaltest.Records(5, 1)); !errors.Is(err, journal.ErrFollower) {
			t.Fatalf("append to a follower: %v", err)
		}
		for doing, err := range map[string]error{
			"snapshot": next.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: 5}), "compact": next.Compact(t.Context(), 3),
		} {
			if !errors.Is(err, journal.ErrFollower) {
				t.Errorf("%s by a follower: %v", doing, err)
			}
		}
		if err := next.Lead(t.Context()); err != nil {
			t.Fatal(err)
		}
		appendTo(t, next, 2)
		err := former.Append(t.Context(), 5, journaltest.Records(5, 9))
		if !errors.Is(err, journal.ErrFollower) || !errors.Is(err, journal.ErrStale) || !former.Following() {
			t.Fatalf("append by the former leader: %v", err)
		}
		follow(t, former, 0, 7)
		if err := next.StepDown(); err != nil {
			t.Fatal(err)
		}
		if err := former.Lead(t.Context()); err != nil {
			t.Fatal(err)
		}
		appendTo(t, former, 3)
		follow(t, next, 0, 10)
	})
}

func TestAFollowerSkipsWhatIsCompacted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bell := &journal.LocalBell{}
		store := journaltest.NewMemoryStore()
		follower, err := journal.Follow(t.Context(), store, journal.Options{Bell: bell})
		if err != nil {
			t.Fatal(err)
		}
		run(t, follower)
		synctest.Wait() // It listens.
		journaltest.Fill(t, store, 5, 5, 5)
		if err := store.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: 10}); err != nil {
			t.Fatal(err)
		}
		if err := store.Compact(t.Context(), 11); err != nil {
			t.Fatal(err)
		}
		bell.Ring(journal.Announcement{Head: 15})
		synctest.Wait()
		if _, err := follower.Read(t.Context(), 0, 10); !errors.Is(err, journal.ErrCompacted) {
			t.Fatalf("read of what is gone: %v", err)
		}
		follow(t, follower, 10, 15)
	})
}

func TestAFollowerNamesWhyItMayBeBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := journaltest.NewFaulty(journaltest.NewMemoryStore())
		bell := &journal.LocalBell{}
		if _, err := journal.Follow(t.Context(), store, journal.Options{}); !errors.Is(err, journal.ErrInvalid) {
			t.Fatalf("a follower without a bell: %v", err)
		}
		follower, err := journal.Follow(t.Context(), store, journal.Options{Bell: bell})
		if err != nil {
			t.Fatal(err)
		}
		run(t, follower)
		synctest.Wait() // It listens.
		journaltest.Fill(t, store, 5)
		cause := errors.New("the database is away")
		store.FailReads(cause)
		bell.Ring(journal.Announcement{Head: 5})
		synctest.Wait()
		if err := follower.Err(); !errors.Is(err, cause) || follower.Head() != 0 {
			t.Fatalf("head %d, %v", follower.Head(), err)
		}
		store.Heal()
		follow(t, follower, 0, 5)
		synctest.Wait()
		if err := follower.Err(); err != nil {
			t.Fatal(err)
		}
	})
}
