package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"todoku/engine"
	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/trade"
	"todoku/trade/record"
)

// eventsSince reads the events after a sequence.
func eventsSince(t testing.TB, log *journal.Log, after uint64) []trade.Event {
	t.Helper()
	records, err := log.Read(t.Context(), after, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	var events []trade.Event
	for _, stored := range records {
		r, err := record.Decode(stored.Sequence, stored.Time, stored.Data)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, r.Events...)
	}
	return events
}

// pass lets time pass in a bubble.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestAnIdleVenueWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, journaltest.NewMemoryStore(), engine.Options{})
		r.signUp("alice")
		head := r.log.Head()
		pass(30 * day)
		if r.log.Head() != head {
			t.Errorf("wrote %v", eventsSince(t, r.log, head))
		}
	})
}

func TestTheDayEndsOnceAndRequestsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, journaltest.NewMemoryStore(), engine.Options{})
		r.signUp("alice")
		head := r.must(order("alice", 1)).Sequence
		end := time.Now().Truncate(day).Add(day)
		pass(time.Until(end) - time.Nanosecond)
		if r.log.Head() != head {
			t.Fatal("something happened before the day's end")
		}
		pass(time.Nanosecond)
		events := eventsSince(t, r.log, head)
		ended, ok := events[1].(*trade.DayEnded)
		expired, isReport := events[0].(*trade.ExecutionReport)
		if len(events) != 3 || !ok || !isReport || expired.Reason != trade.ReasonDayEnded || ended.End != end.UnixNano() || ended.Next != end.Add(day).UnixNano() {
			t.Fatalf("at the day's end: %v", events)
		}
		// The next day's end is journaled too, to forget the request; later ones are not.
		pass(day)
		if n := len(eventsSince(t, r.log, head)); n != 4 {
			t.Errorf("%d events after the second day", n)
		}
		head = r.log.Head()
		pass(10 * day)
		if r.log.Head() != head {
			t.Errorf("wrote %v", eventsSince(t, r.log, head))
		}
	})
}

func TestAnOrderExpiresOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, journaltest.NewMemoryStore(), engine.Options{})
		r.signUp("alice")
		until := time.Now().Add(90 * time.Minute)
		o := order("alice", 1)
		o.TimeInForce, o.Expire = trade.TimeInForceGTD, until.UnixNano()
		head := r.must(o).Sequence
		pass(90*time.Minute - time.Nanosecond)
		if r.log.Head() != head {
			t.Fatal("expired too early")
		}
		pass(time.Nanosecond)
		records, err := r.log.Read(t.Context(), head, 10)
		if err != nil || len(records) != 1 || records[0].Time != until.UnixNano() {
			t.Fatalf("%v, %v", records, err)
		}
	})
}

func TestOrdersThatExpiredDuringADowntimeComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := journaltest.NewMemoryStore()
		r := start(t, store, engine.Options{})
		r.signUp("alice", "bob")
		head := r.must(order("alice", 1)).Sequence
		r.stop()
		pass(3 * day)
		again := start(t, store, engine.Options{})
		sell := order("bob", 1)
		sell.Side = trade.SideSell
		if answer := again.must(sell); answer.Filled != 0 {
			t.Error("traded with an order of another day")
		}
		if e, ok := eventsSince(t, again.log, head)[0].(*trade.ExecutionReport); !ok || e.Reason != trade.ReasonDayEnded {
			t.Errorf("the first event is %+v", e)
		}
	})
}

func TestTheEndOfABusyDayTakesSeveralRecords(t *testing.T) {
	const expiring = 50_000 + 1_000
	synctest.Test(t, func(t *testing.T) {
		store := journaltest.NewMemoryStore()
		r := start(t, store, engine.Options{})
		r.signUp("alice")
		commands := make([]trade.Command, expiring)
		for i := range commands {
			o := order("alice", i)
			o.Price = trade.Price(1+i%500) * tick
			commands[i] = o
		}
		r.SubmitAll(t.Context(), commands)
		head := r.log.Head()
		pass(day)
		r.must(order("alice", "next"))
		if n := r.log.Head() - head; n != 3 {
			t.Errorf("%d records", n)
		}
		expired, days := 0, 0
		for _, e := range eventsSince(t, r.log, head) {
			switch e := e.(type) {
			case *trade.ExecutionReport:
				if e.Type == trade.ExecTypeExpired {
					expired++
				}
			case *trade.DayEnded:
				days++
			}
		}
		if expired != expiring || days != 1 {
			t.Errorf("%d of %d expired, the day ended %d times", expired, expiring, days)
		}
		r.sameAfterRestart(store)
	})
}

// day is a trading day.
const day = 24 * time.Hour
