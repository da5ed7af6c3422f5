package history_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"todoku/history"
	"todoku/history/historytest"
	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/trade"
	"todoku/trade/record"
)

// notebook is a store that only writes down what it is given.
type notebook struct {
	history.Store

	mu       sync.Mutex // protects what follows
	position journal.Position
	batches  [][]*trade.Record
	state    *trade.Snapshot
	resets   int
	failures []failure
}

// failure is how one Apply fails.
type failure struct {
	err     error
	applied bool
}

func (n *notebook) Position(context.Context) (journal.Position, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.position, nil
}

func (n *notebook) Apply(_ context.Context, records []*trade.Record) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if records[0].Sequence != n.position.Sequence+1 {
		return history.ErrGap
	}
	var err error
	if len(n.failures) > 0 {
		next := n.failures[0]
		n.failures = n.failures[1:]
		if err = next.err; !next.applied {
			return err
		}
	}
	n.batches = append(n.batches, records)
	n.position.Sequence = records[len(records)-1].Sequence
	return err
}

func (n *notebook) Reset(_ context.Context, position journal.Position, state *trade.Snapshot) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.position, n.state, n.batches = position, state, nil
	n.resets++
	return nil
}

// sizes returns how many records each transaction had.
func (n *notebook) sizes() []int {
	n.mu.Lock()
	defer n.mu.Unlock()
	sizes := make([]int, len(n.batches))
	for i, batch := range n.batches {
		sizes[i] = len(batch)
	}
	return sizes
}

// desk is a journal, a notebook and the follower between them.
type desk struct {
	log      *journal.Log
	venue    *historytest.Venue
	notes    *notebook
	follower *history.Follower
	events   []history.Event // Read after stop.
	stop     func() error
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	log, err := journal.Open(t.Context(), journaltest.NewMemoryStore(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &desk{log: log, venue: historytest.NewVenue(1), notes: &notebook{}}
}

// write appends n records of the venue to the journal.
func (d *desk) write(t *testing.T, n int) {
	t.Helper()
	batch := make([]journal.Record, n)
	for i, r := range d.venue.Next(n) {
		data, err := record.Encode(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		batch[i] = journal.Record{Sequence: r.Sequence, Time: r.Time, Data: data}
	}
	if err := d.log.Append(t.Context(), d.log.Head(), batch); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) start(t *testing.T, options history.Options) {
	t.Helper()
	d.startWith(t, d.notes, options)
}

func (d *desk) startWith(t *testing.T, store history.Store, options history.Options) {
	t.Helper()
	options.Listener = func(e history.Event) { d.events = append(d.events, e) }
	d.follower = history.NewFollower(d.log, store, options)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.follower.Run(ctx) }()
	d.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = d.stop() })
}

func (d *desk) kinds() []history.EventKind {
	var kinds []history.EventKind
	for _, e := range d.events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func TestARecordLingersForOthersUnlessSomebodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.write(t, 1)
		d.start(t, history.Options{Linger: 50 * time.Millisecond})
		synctest.Wait()
		d.write(t, 1)
		time.Sleep(49 * time.Millisecond)
		d.write(t, 1)
		synctest.Wait()
		if sizes := d.notes.sizes(); len(sizes) != 0 {
			t.Fatalf("wrote %v before the time was over", sizes)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if sizes := d.notes.sizes(); !slices.Equal(sizes, []int{3}) {
			t.Fatalf("wrote %v, want all in one transaction", sizes)
		}

		d.write(t, 2)
		synctest.Wait()
		began := time.Now()
		if err := d.follower.WaitFor(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		if sizes := d.notes.sizes(); !slices.Equal(sizes, []int{3, 2}) || time.Since(began) != 0 {
			t.Fatalf("wrote %v after %v, want two more at once", sizes, time.Since(began))
		}
		if err := d.stop(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(d.kinds(), []history.EventKind{history.Created}) {
			t.Errorf("reported %v", d.kinds())
		}
	})
}

func TestAWholeTransactionDoesNotLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.write(t, 12)
		d.start(t, history.Options{MaxRecords: 5, Linger: time.Hour})
		synctest.Wait()
		if sizes := d.notes.sizes(); !slices.Equal(sizes, []int{5, 5}) || d.follower.Position() != 10 {
			t.Fatalf("wrote %v, at %d", sizes, d.follower.Position())
		}
		d.write(t, 3)
		synctest.Wait()
		if sizes := d.notes.sizes(); !slices.Equal(sizes, []int{5, 5, 5}) {
			t.Fatalf("wrote %v", sizes)
		}
	})
}

func TestTransactionsAreBoundedByBytes(t *testing.T) {
	d := newDesk(t)
	d.write(t, 6)
	d.start(t, history.Options{MaxBytes: 1})
	if err := d.follower.WaitFor(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	if sizes := d.notes.sizes(); !slices.Equal(sizes, []int{1, 1, 1, 1, 1, 1}) {
		t.Errorf("wrote %v", sizes)
	}
}

// TestAHistoryThatDoesNotFitIsBuiltAgain is about every way in which a history
// and a journal part: a restored copy of one, a new one of the other.
func TestAHistoryThatDoesNotFitIsBuiltAgain(t *testing.T) {
	for name, c := range map[string]struct {
		was       journal.Position // The epoch "" stands for the journal's.
		compacted bool
		want      history.EventKind
		from      uint64
	}{
		"another journal":   {journal.Position{Epoch: "other", Sequence: 3}, false, history.OtherJournal, 0},
		"ahead":             {journal.Position{Sequence: 31}, false, history.Ahead, 0},
		"behind":            {journal.Position{Sequence: 5}, true, history.Behind, 20},
		"new and compacted": {journal.Position{}, true, history.Created, 20},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.write(t, 20)
			state := &trade.Snapshot{Sequence: 20, Orders: d.venue.Working()}
			d.write(t, 10)
			if c.compacted {
				data, err := record.EncodeSnapshot(state)
				if err != nil {
					t.Fatal(err)
				}
				if err := d.log.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: 20, Data: data}); err != nil {
					t.Fatal(err)
				}
				if err := d.log.Compact(t.Context(), 21); err != nil {
					t.Fatal(err)
				}
			}
			if d.notes.position = c.was; c.was.Sequence != 0 && c.was.Epoch == "" {
				d.notes.position.Epoch = d.log.Epoch()
			}
			was := d.notes.position
			d.start(t, history.Options{})
			if err := d.follower.WaitFor(t.Context(), 30); err != nil {
				t.Fatal(err)
			}
			if err := d.stop(); err != nil {
				t.Fatal(err)
			}
			if len(d.events) != 1 || d.events[0].Kind != c.want || d.events[0].Was != was || d.events[0].Position.Sequence != c.from {
				t.Errorf("reported %+v", d.events)
			}
			if want := (journal.Position{Epoch: d.log.Epoch(), Sequence: 30}); d.notes.position != want {
				t.Errorf("stands at %v, want %v", d.notes.position, want)
			}
			if c.compacted != (d.notes.state != nil) {
				t.Fatalf("began with the state %v", d.notes.state)
			}
			if c.compacted && len(d.notes.state.Orders) != len(state.Orders) {
				t.Errorf("began with %d working orders of %d", len(d.notes.state.Orders), len(state.Orders))
			}
		})
	}
}

func TestAHistoryThatFitsGoesOnWhereItStood(t *testing.T) {
	d := newDesk(t)
	d.write(t, 10)
	d.notes.position = journal.Position{Epoch: d.log.Epoch(), Sequence: 4}
	d.start(t, history.Options{})
	if err := d.follower.WaitFor(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if sizes := d.notes.sizes(); !slices.Equal(sizes, []int{6}) || d.notes.resets != 0 || len(d.events) != 0 {
		t.Errorf("wrote %v after %d resets, reported %v", sizes, d.notes.resets, d.events)
	}
}

// TestADatabaseThatFailsIsTriedAgain includes the transaction that is there
// although its commit failed: it must not be applied twice.
func TestADatabaseThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		d := newDesk(t)
		d.write(t, 4)
		d.notes.failures = []failure{{full, false}, {full, false}, {full, true}, {nil, true}, {full, false}}
		d.start(t, history.Options{})
		began := time.Now()
		if err := d.follower.WaitFor(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		// 100 ms, 200 ms and 400 ms of waiting.
		if waited := time.Since(began); waited != 700*time.Millisecond {
			t.Errorf("tried again for %v", waited)
		}
		d.write(t, 1)
		if err := d.follower.WaitFor(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		d.write(t, 1)
		if err := d.follower.WaitFor(t.Context(), 6); err != nil {
			t.Fatal(err)
		}
		if err := d.stop(); err != nil {
			t.Fatal(err)
		}
		if sizes := d.notes.sizes(); !slices.Equal(sizes, []int{4, 1, 1}) {
			t.Errorf("wrote %v", sizes)
		}
		if want := []history.EventKind{
			history.Created, history.Failed, history.Failed, history.Failed, history.Recovered,
			history.Failed, history.Recovered,
		}; !slices.Equal(d.kinds(), want) {
			t.Errorf("reported %v, want %v", d.kinds(), want)
		}
		if !errors.Is(d.events[1].Err, full) {
			t.Errorf("reported %v, want the cause", d.events[1].Err)
		}
	})
}

func TestAJournalThatCannotBeReadEndsTheFollower(t *testing.T) {
	d := newDesk(t)
	if err := d.log.Append(t.Context(), 0, []journal.Record{{Sequence: 1, Data: []byte{0xff}}}); err != nil {
		t.Fatal(err)
	}
	d.start(t, history.Options{})
	if err := d.follower.WaitFor(t.Context(), 1); !errors.Is(err, history.ErrStopped) {
		t.Errorf("waiting ends with %v, want ErrStopped", err)
	}
	if err := d.stop(); !errors.Is(err, record.ErrMalformed) {
		t.Errorf("ended with %v, want ErrMalformed", err)
	}
}

func TestWaitingForAHistoryEnds(t *testing.T) {
	d := newDesk(t)
	d.write(t, 1)
	d.notes.failures = slices.Repeat([]failure{{errors.New("broken"), false}}, 1000)
	d.start(t, history.Options{})
	if err := d.follower.WaitFor(t.Context(), 2); !errors.Is(err, history.ErrAhead) {
		t.Errorf("for what the journal does not have: %v, want ErrBadCursor", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if err := d.follower.WaitFor(ctx, 1); !errors.Is(err, enough) {
		t.Errorf("with a context that is done: %v, want its cause", err)
	}
	if err := d.stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if err := d.follower.WaitFor(t.Context(), 1); !errors.Is(err, history.ErrStopped) {
		t.Errorf("after the end: %v, want ErrStopped", err)
	}
}
