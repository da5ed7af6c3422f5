package engine

import (
	"context"
	"testing"
	"time"

	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/trade"
	"todoku/trade/record"
)

// testVenue is an engine without its goroutine over a journal in memory, with a
// clock that tests move. After every command an auditor checks the journal and the
// engine's state.
type testVenue struct {
	t       testing.TB
	store   journal.Store
	log     *journal.Log
	engine  *Engine
	options Options
	clock   time.Time
	auditor *auditor
	// thorough compares after every command also with a replay of the journal.
	thorough bool
	records  []*trade.Record
}

func newTestVenue(t testing.TB) *testVenue {
	t.Helper()
	v := &testVenue{
		t: t, store: journaltest.NewMemoryStore(),
		clock: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), auditor: newAuditor(),
	}
	v.options.Clock = func() time.Time { return v.clock }
	v.open()
	return v
}

// open opens the log and the engine over the store, as a restart does.
func (v *testVenue) open() {
	v.t.Helper()
	var err error
	if v.log, err = journal.Open(v.t.Context(), v.store, journal.Options{}); err != nil {
		v.t.Fatal(err)
	}
	if v.engine, err = Open(v.t.Context(), v.log, v.options); err != nil {
		v.t.Fatal(err)
	}
}

// submit sends commands to the engine as one group and audits the results.
func (v *testVenue) submit(commands ...trade.Command) []Result {
	v.t.Helper()
	before, after := v.engine.state.sequence, [32]byte{}
	if v.thorough {
		after = v.hash()
	}
	s := &submission{commands: commands, results: make([]Result, len(commands)), done: make(chan struct{})}
	v.engine.commit(context.Background(), []*submission{s})
	<-s.done
	v.audit()
	if v.thorough && v.engine.state.sequence == before && v.hash() != after {
		v.t.Fatal("a command that was not journaled has changed the state")
	}
	return s.results
}

// tick decides what is due.
func (v *testVenue) tick() {
	v.t.Helper()
	v.engine.tick(context.Background())
	v.audit()
}

// audit follows the records since the last call.
func (v *testVenue) audit() {
	v.t.Helper()
	for _, r := range readRecords(v.t, v.log, v.auditor.sequence) {
		if err := v.auditor.follow(r); err != nil {
			v.t.Fatal(err)
		}
		v.records = append(v.records, r)
	}
	if err := v.auditor.compare(v.engine.state); err != nil {
		v.t.Fatalf("after record %d: %v", v.auditor.sequence, err)
	}
	if !v.thorough {
		return
	}
	replayed, _, err := load(v.t.Context(), v.log)
	if err != nil {
		v.t.Fatal(err)
	}
	for name, s := range map[string]*state{"a replay": replayed, "a snapshot": restore(v.engine.state.snapshot())} {
		if err := v.auditor.compare(s); err != nil {
			v.t.Fatalf("%s of %d: %v", name, v.auditor.sequence, err)
		}
		if hashOf(v.t, s) != v.hash() {
			v.t.Fatalf("%s of %d gives another state", name, v.auditor.sequence)
		}
	}
}

func (v *testVenue) hash() [32]byte {
	v.t.Helper()
	return hashOf(v.t, v.engine.state)
}

func hashOf(t testing.TB, s *state) [32]byte {
	t.Helper()
	sum, err := record.Hash(s.snapshot())
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// readRecords reads and decodes all records after a sequence.
func readRecords(t testing.TB, log *journal.Log, after uint64) []*trade.Record {
	t.Helper()
	var all []*trade.Record
	for {
		records, err := log.Read(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			return all
		}
		for _, stored := range records {
			r, err := record.Decode(stored.Sequence, stored.Time, stored.Data)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
			after = stored.Sequence
		}
	}
}

// must submits a command that is not refused.
func (v *testVenue) must(c trade.Command) {
	v.t.Helper()
	if err := v.submit(c)[0].Err; err != nil {
		v.t.Fatalf("%v %+v: %v", trade.KindOf(c), c, err)
	}
}

// signUp adds the users of tests, each with an account of the same name.
func (v *testVenue) signUp(roles trade.Role, names ...trade.UserID) {
	v.t.Helper()
	for _, name := range names {
		v.must(&trade.UpsertUser{Create: true, NewUser: trade.User{
			ID: name, DisplayName: string(name), Roles: roles, Accounts: []trade.AccountID{trade.AccountID(name)},
		}})
	}
}

// testInstrument trades in ticks of 0.01 and lots of 1.
func testInstrument(symbol trade.Symbol) trade.Instrument {
	return trade.Instrument{
		Symbol: symbol, Name: string(symbol), Class: trade.AssetClassFX, Currency: "USD",
		TickSize: 1_000_000, LotSize: 100_000_000, MinQuantity: 100_000_000, MaxQuantity: 1 << 60 / 100_000_000 * 100_000_000,
		Status: trade.TradingStatusOpen,
	}
}
