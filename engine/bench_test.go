package engine

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/trade"
)

// benchOrders is the number of commands in a benchmark's stream.
const benchOrders = 1_000_000

// benchCommands returns the normal stream of the public benchmark as commands of 64
// accounts: new orders, immediate ones, replaces and cancels.
var benchCommands = sync.OnceValue(func() []trade.Command {
	messages := workloads()[1].stream(benchOrders / 2)
	names := make(map[uint32]trade.RequestID, len(messages))
	commands := make([]trade.Command, 0, len(messages))
	for i := range messages {
		m := &messages[i]
		request := trade.RequestID("r" + strconv.Itoa(i))
		user := trade.UserID("user-" + strconv.Itoa(int(m.id%64)))
		from := trade.Actor{User: user, Account: trade.AccountID(user), Request: request}
		price, quantity := trade.Price(m.tick)*1_000_000, trade.Quantity(m.quantity)*100_000_000
		switch m.kind {
		case messageCancel:
			commands = append(commands, &trade.CancelOrder{Actor: from, Target: trade.OrderRef{ClientOrderID: names[m.id]}})
		case messageReplace:
			commands = append(commands, &trade.ReplaceOrder{Actor: from, Target: trade.OrderRef{ClientOrderID: names[m.id]}, Price: price, Quantity: quantity})
			names[m.id] = request
		default:
			force := trade.TimeInForceGTC
			if m.kind == messageIOC {
				force = trade.TimeInForceIOC
			}
			commands = append(commands, &trade.PlaceOrder{Actor: from, Symbol: "GOLD", Side: m.side, TimeInForce: force, Price: price, Quantity: quantity})
			names[m.id] = request
		}
	}
	return commands[:min(len(commands), benchOrders)]
})

func newBenchVenue(tb testing.TB, store journal.Store) *Engine {
	tb.Helper()
	log, err := journal.Open(tb.Context(), store, journal.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	e, err := Open(tb.Context(), log, Options{Clock: time.Now, SnapshotEvery: 1 << 60})
	if err != nil {
		tb.Fatal(err)
	}
	commands := []trade.Command{&trade.UpsertInstrument{Instrument: testInstrument("GOLD")}}
	for n := range 64 {
		name := "user-" + strconv.Itoa(n)
		commands = append(commands, &trade.UpsertUser{Create: true, NewUser: trade.User{
			ID: trade.UserID(name), DisplayName: name, Roles: trade.RoleTrader, Accounts: []trade.AccountID{trade.AccountID(name)},
		}})
	}
	for _, result := range commitGroup(e, commands) {
		if result.Err != nil {
			tb.Fatal(result.Err)
		}
	}
	return e
}

// commitGroup decides, appends and answers a group, without the engine's goroutine.
func commitGroup(e *Engine, commands []trade.Command) []Result {
	s := &submission{commands: commands, results: make([]Result, len(commands)), done: make(chan struct{})}
	e.commit(context.Background(), []*submission{s})
	<-s.done
	return s.results
}

// discard is a store that keeps nothing, so that only the engine is measured.
type discard struct{ journal.Store }

func (discard) Append(context.Context, uint64, []journal.Record) error { return nil }

// BenchmarkOrders measures what the engine's goroutine does for a command: decide,
// encode, apply, keep the answer. Nothing is stored.
func BenchmarkOrders(b *testing.B) {
	for _, group := range []int{1, 100} {
		b.Run("group="+strconv.Itoa(group), func(b *testing.B) {
			commands := benchCommands()
			b.ReportAllocs()
			for done := 0; done < b.N; {
				b.StopTimer()
				e := newBenchVenue(b, discard{journaltest.NewMemoryStore()})
				part := min(b.N-done, len(commands))
				b.StartTimer()
				for at := 0; at < part; at += group {
					commitGroup(e, commands[at:min(part, at+group)])
				}
				done += part
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
		})
	}
}

// unsaved is a store that keeps no more snapshots.
type unsaved struct{ journal.Store }

func (unsaved) SaveSnapshot(context.Context, journal.Snapshot) error { return nil }

// BenchmarkRestart opens a journal of a million commands, from the beginning and
// after a snapshot of its end. The store is in memory, so reading a disk is not measured.
func BenchmarkRestart(b *testing.B) {
	store := journaltest.NewMemoryStore()
	e := newBenchVenue(b, store)
	commands := benchCommands()
	for at := 0; at < len(commands); at += 1000 {
		commitGroup(e, commands[at:min(len(commands), at+1000)])
	}
	sequence, sum, err := e.Hash()
	if err != nil {
		b.Fatal(err)
	}
	restart := func(b *testing.B) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			log, err := journal.Open(b.Context(), store.Reopen(), journal.Options{})
			if err != nil {
				b.Fatal(err)
			}
			again, err := Open(b.Context(), log, Options{Clock: time.Now})
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if got, gotSum, err := again.Hash(); err != nil || got != sequence || gotSum != sum {
				b.Fatalf("opened at %d, %v", got, err)
			}
			b.StartTimer()
		}
		b.ReportMetric(float64(sequence), "records")
	}
	b.Run("journal", restart)
	if err := e.snapshots.save(b.Context(), e.state, nil); err != nil {
		b.Fatal(err)
	}
	b.Run("snapshot", restart)
}

// BenchmarkSnapshot writes the second snapshot of a busy venue: one after a million
// commands, from the snapshot in the middle.
func BenchmarkSnapshot(b *testing.B) {
	store := journaltest.NewMemoryStore()
	e := newBenchVenue(b, store)
	commands := benchCommands()
	for at := 0; at < len(commands); at += 1000 {
		if at == benchOrders/2 {
			if err := e.snapshots.save(b.Context(), e.state, nil); err != nil {
				b.Fatal(err)
			}
		}
		commitGroup(e, commands[at:min(len(commands), at+1000)])
	}
	log, err := journal.Open(b.Context(), unsaved{store}, journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := newSnapshotter(log, e.options, 0).write(b.Context(), e.state.sequence); err != nil {
			b.Fatal(err)
		}
	}
}
