package history_test

import (
	"context"
	"slices"
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

// slowNotebook is a notebook whose transactions take a while.
type slowNotebook struct {
	*notebook

	took  time.Duration
	spent time.Duration // Protected by notebook.mu.
}

func (n *slowNotebook) Apply(ctx context.Context, records []*trade.Record) error {
	time.Sleep(n.took) // The time of a test's bubble.
	n.mu.Lock()
	n.spent += n.took
	n.mu.Unlock()
	return n.notebook.Apply(ctx, records)
}

func (n *slowNotebook) busy() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.spent
}

// TestABusyVenueKeepsItsCoresFromTheHistory writes faster than the history may
// follow: it takes its share, hurries while somebody waits, and catches up after.
func TestABusyVenueKeepsItsCoresFromTheHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		slow := &slowNotebook{notebook: d.notes, took: 40 * time.Millisecond}
		d.startWith(t, slow, history.Options{MaxRecords: 100, Share: 25})
		write := func(d *desk, during time.Duration) {
			for began := time.Now(); time.Since(began) < during; time.Sleep(20 * time.Millisecond) {
				d.write(t, 100) // 5,000 a second; the history could take 2,500.
			}
		}
		write(d, 4*time.Second)
		if busy := slow.busy(); busy < 800*time.Millisecond || busy > 1300*time.Millisecond {
			t.Errorf("busy for %s of 4 s, allowed a quarter", busy)
		}

		began, wanted := time.Now(), d.follower.Position()+1000
		if err := d.follower.WaitFor(t.Context(), wanted); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 11*slow.took {
			t.Errorf("1,000 records took %s although somebody waited", took)
		}

		began = time.Now()
		behind := d.log.Head() - d.follower.Position()
		time.Sleep(time.Second + time.Duration(behind/100+2)*slow.took)
		synctest.Wait()
		if d.follower.Position() != d.log.Head() {
			t.Errorf("%d of %d records behind after %s of quiet", d.log.Head()-d.follower.Position(), behind, time.Since(began))
		}
		if err := d.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestAHistoryThatLagsBehindACompactionIsBuiltAgain compacts the store first and
// lets the log know later, as it happens for a moment with every compaction.
func TestAHistoryThatLagsBehindACompactionIsBuiltAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := journaltest.NewMemoryStore()
		log, err := journal.Open(t.Context(), store, journal.Options{MaxRecords: 1})
		if err != nil {
			t.Fatal(err)
		}
		d := &desk{log: log, venue: historytest.NewVenue(1), notes: &notebook{}}
		d.write(t, 20)
		data, err := record.EncodeSnapshot(&trade.Snapshot{Sequence: 20})
		if err != nil {
			t.Fatal(err)
		}
		if err := log.SaveSnapshot(t.Context(), journal.Snapshot{Sequence: 20, Data: data}); err != nil {
			t.Fatal(err)
		}
		d.write(t, 10)
		d.start(t, history.Options{Linger: time.Second})
		time.Sleep(time.Millisecond) // It has found its place, and lingers.
		if err := store.Compact(t.Context(), 21); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if got := d.follower.Position(); got != 0 {
			t.Fatalf("it stands at %d without the records", got)
		}
		if err := log.Compact(t.Context(), 21); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if err := d.stop(); err != nil {
			t.Fatal(err)
		}
		if got := d.follower.Position(); got != 30 {
			t.Errorf("it stands at %d, want 30", got)
		}
		want := []history.EventKind{history.Created, history.Behind}
		if kinds := d.kinds(); !slices.Equal(kinds, want) {
			t.Errorf("reported %v, want %v", kinds, want)
		}
	})
}
