package chaos

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"todoku/internal/apptest"
)

// lengthOf is how long a random test lasts; TODOKU_CHAOS overrides it.
func lengthOf(t *testing.T) time.Duration {
	t.Helper()
	if text := os.Getenv("TODOKU_CHAOS"); text != "" {
		length, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		return length
	}
	if os.Getenv("TODOKU_SOAK") != "" {
		return 30 * time.Minute
	}
	return 2 * time.Minute
}

func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("TODOKU_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("TODOKU_SEED=%d", seed)
	return seed
}

// TestTheSixGuaranteesHoldUnderRandomFaults injects faults into a venue and more than fifty
// clients, repairs everything, waits until each client has received all, and compares all
// that they received with the journal.
func TestTheSixGuaranteesHoldUnderRandomFaults(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	length := lengthOf(t)
	c := newClients(t, setShortTimes)
	random := rand.New(rand.NewPCG(seed, 2))
	users := apptest.Users()
	add := func(kind string, many int) {
		for i := range many {
			user := string(users[i%len(users)].ID)
			of := subscription(user, random.Uint64())
			c.add(rawSpec{
				Name: name(kind, i), User: user, Seed: random.Uint64(),
				Refreshes: i%3 != 0, Acknowledges: i%9 != 4,
				Symbols: of.GetSymbols(), Presence: of.GetPresence(), All: of.GetAllAccounts(),
			})
		}
	}
	add("raw", 38)
	add("go", 10)
	add("process", 6)
	c.begin(seed, 100*time.Millisecond)

	d := &driver{clients: c, random: random}
	ill, healed := context.WithTimeout(t.Context(), length)
	defer healed()
	d.run(ill)
	v := c.finish()
	c.venue.Stop()

	t.Log(d.report())
	t.Logf("streams ended: %v", c.endings())
	t.Logf("%d requests of the load; judged %d streams with %d events, %d snapshots, %d values of books, %d counts of what was merged away, %d responses on streams taken over",
		c.load.done.Load(), v.streams, v.events, v.snapshots, v.levels, v.counts, v.lost)
	if len(v.text) > 0 {
		for _, action := range d.diary {
			t.Log(action)
		}
		for _, text := range v.text {
			t.Error(text)
		}
	}
	if len(c.members) < 50 || v.streams < len(c.members) || v.events < 1000 || v.snapshots < len(c.members) {
		t.Error("too little happened to prove anything")
	}
}

// setShortTimes makes a venue do within seconds what usually takes minutes.
func setShortTimes(p *apptest.Process) {
	p.Settings = apptest.Settings{
		SnapshotEvery: 400, Heartbeat: 400 * time.Millisecond, AckTimeout: 3 * time.Second, SendTimeout: time.Second,
		StreamAge: 12 * time.Second, ReconnectGrace: time.Second, QueueMessages: 300, ReplayEvents: 1500,
		AccessTTL: 6 * time.Second, ExpiryGrace: time.Second, PresenceGrace: 500 * time.Millisecond, Drain: 3 * time.Second,
	}
}
