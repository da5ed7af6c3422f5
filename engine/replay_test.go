package engine

import (
	"bytes"
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/trade"
	"todoku/trade/record"
)

func TestRandomCommandsBreakNoPromise(t *testing.T) {
	commands := 3000
	if raceEnabled || testing.Short() {
		commands = 800
	}
	for seed := range uint64(4) {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			v := newStreamVenue(t)
			makeStream(v, seed, commands)
			replayed, _, err := load(t.Context(), v.log)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.auditor.compare(replayed); err != nil || hashOf(t, replayed) != v.hash() {
				t.Fatalf("the replay gives another state: %v", err)
			}
			busted := 0
			for _, trade := range v.auditor.trades {
				if trade.BustTime != 0 {
					busted++
				}
			}
			t.Logf("%d records, %d orders, %d trades, %d busted, %d work", v.auditor.sequence, len(v.auditor.reported), len(v.auditor.trades), busted, len(v.engine.state.orders))
			if len(v.auditor.trades) < commands/10 || busted == 0 || len(v.engine.state.orders) == 0 {
				t.Error("too little happened to prove anything")
			}
		})
	}
}

// played is the result of a run of a stream.
type played struct {
	records []journal.Record
	hash    [32]byte
}

// playStream runs an engine with its goroutine and submits the stream in groups of
// random sizes.
func playStream(t *testing.T, stream []step, group int) played {
	t.Helper()
	var clock atomic.Int64
	clock.Store(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).UnixNano())
	log, err := journal.Open(t.Context(), journaltest.NewMemoryStore(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(t.Context(), log, Options{Clock: func() time.Time { return time.Unix(0, clock.Load()) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	for len(stream) > 0 {
		clock.Add(int64(stream[0].wait))
		n := 1
		for n < min(group, len(stream)) && stream[n].wait == 0 {
			n++
		}
		commands := make([]trade.Command, n)
		for i := range commands {
			commands[i] = stream[i].command
		}
		e.SubmitAll(ctx, commands)
		stream = stream[n:]
	}
	stop()
	running.Wait()
	records, err := log.Read(t.Context(), 0, journal.MaxSequence>>1)
	if err != nil {
		t.Fatal(err)
	}
	return played{records, hashOf(t, e.state)}
}

func TestSameCommandsGiveTheSameBytesOnAnyMachine(t *testing.T) {
	v := newStreamVenue(t)
	stream := append(streamSetup(), makeStream(v, 11, 1500)...)
	var runs []played
	for _, processors := range []int{1, 16} {
		for _, group := range []int{1, 50} {
			before := runtime.GOMAXPROCS(processors)
			runs = append(runs, playStream(t, stream, group))
			runtime.GOMAXPROCS(before)
		}
	}
	for i, run := range runs {
		if run.hash != v.hash() {
			t.Errorf("run %d gives another state", i)
		}
		if len(run.records) != int(v.auditor.sequence) {
			t.Fatalf("run %d wrote %d records, not %d", i, len(run.records), v.auditor.sequence)
		}
		for n, r := range run.records {
			if other := runs[0].records[n]; r.Time != other.Time || !bytes.Equal(r.Data, other.Data) {
				t.Fatalf("record %d of run %d has other bytes", r.Sequence, i)
			}
		}
	}
}

func TestASnapshotAndItsTailGiveTheStateOfTheJournal(t *testing.T) {
	v := newStreamVenue(t)
	makeStream(v, 12, 1500)
	head := v.auditor.sequence
	whole := newState()
	for i, r := range v.records {
		whole.apply(r)
		if i%250 != 0 {
			continue
		}
		data, err := record.EncodeSnapshot(whole.snapshot())
		if err != nil {
			t.Fatal(err)
		}
		snapshot, err := record.DecodeSnapshot(data)
		if err != nil {
			t.Fatal(err)
		}
		tail := restore(snapshot)
		if again, err := record.EncodeSnapshot(tail.snapshot()); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("the snapshot of %d changes when it is read back: %v", r.Sequence, err)
		}
		for _, r := range v.records[i+1:] {
			tail.apply(r)
		}
		if tail.sequence != head || hashOf(t, tail) != v.hash() {
			t.Fatalf("the snapshot of %d and its tail give another state", r.Sequence)
		}
	}
	if hashOf(t, whole) != v.hash() {
		t.Fatal("the journal gives another state than the engine has")
	}
}

func TestASnapshotMadeFromTheOneBeforeIsComplete(t *testing.T) {
	v := newStreamVenue(t)
	makeStream(v, 14, 3000)
	snapshots := newSnapshotter(v.log, v.engine.options, 0)
	whole, forgot := newState(), 0
	for i, r := range v.records {
		before := whole.requests.len()
		whole.apply(r)
		forgot += max(0, before-whole.requests.len())
		if i%150 != 0 {
			continue
		}
		if err := snapshots.write(t.Context(), r.Sequence); err != nil {
			t.Fatal(err)
		}
		got, err := v.log.LoadSnapshot(t.Context(), journal.MaxSequence)
		if err != nil {
			t.Fatal(err)
		}
		want, err := record.EncodeSnapshot(whole.snapshot())
		if err != nil || got.Sequence != r.Sequence || !bytes.Equal(got.Data, want) {
			t.Fatalf("the snapshot of %d, which is of %d, is not the state: %v", r.Sequence, got.Sequence, err)
		}
	}
	if forgot == 0 || whole.requests.len() == 0 {
		t.Errorf("%d requests were forgotten and %d kept: too few to prove anything", forgot, whole.requests.len())
	}
}

// snapshotStore is a store that keeps all snapshots.
type snapshotStore struct {
	journal.Store

	mu        sync.Mutex
	snapshots []journal.Snapshot
}

func (k *snapshotStore) SaveSnapshot(ctx context.Context, s journal.Snapshot) error {
	k.mu.Lock()
	k.snapshots = append(k.snapshots, s)
	k.mu.Unlock()
	return k.Store.SaveSnapshot(ctx, s)
}

func TestSnapshotsWrittenDuringARunEqualTheState(t *testing.T) {
	v := newStreamVenue(t)
	stream := append(streamSetup(), makeStream(v, 13, 1200)...)
	store := &snapshotStore{Store: journaltest.NewMemoryStore()}
	log, err := journal.Open(t.Context(), store, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	saved := make(chan uint64, 1000)
	var clock atomic.Int64
	clock.Store(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).UnixNano())
	e, err := Open(t.Context(), log, Options{
		Clock: func() time.Time { return time.Unix(0, clock.Load()) }, SnapshotEvery: 100,
		Report: func(r Report) {
			if r.What != SnapshotSaved {
				t.Errorf("%s: %v", r.What, r.Err)
			}
			saved <- r.Sequence
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	for i, s := range stream {
		clock.Add(int64(s.wait))
		e.SubmitAll(ctx, []trade.Command{s.command})
		if i == len(stream)/2 {
			<-saved // At least one while the engine runs.
		}
	}
	stop()
	running.Wait()
	if len(store.snapshots) < 2 {
		t.Fatalf("%d snapshots in %d records", len(store.snapshots), e.state.sequence)
	}
	t.Logf("%d snapshots in %d records", len(store.snapshots), e.state.sequence)
	replay := newState()
	next := 0
	for _, r := range readRecords(t, log, 0) {
		replay.apply(r)
		if next < len(store.snapshots) && store.snapshots[next].Sequence == r.Sequence {
			want, err := record.EncodeSnapshot(replay.snapshot())
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want, store.snapshots[next].Data) {
				t.Fatalf("the snapshot of %d is not the state", r.Sequence)
			}
			next++
		}
	}
	if next != len(store.snapshots) || replay.sequence != e.state.sequence || hashOf(t, replay) != hashOf(t, e.state) {
		t.Fatalf("%d of %d snapshots were compared, or the replay does not end at %d", next, len(store.snapshots), e.state.sequence)
	}
}
