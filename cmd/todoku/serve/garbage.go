package serve

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// When garbage is collected. Under load the heap may grow to three times the live
// data, which halves the cost of collections. With thousands of idle clients this
// would take minutes and hold three times the memory needed; a quiet venue has time
// to collect earlier.

// garbagePercent lets the heap grow to three times the live data.
const garbagePercent = 200

const (
	// quietAfter is the interval of checks; a venue without a collection in it is quiet.
	quietAfter = 5 * time.Second
	// worthPercent and worthBytes are how much garbage makes a collection worth it.
	worthPercent = 10
	worthBytes   = 4 << 20
)

// collectGarbage sets a better value for a server than Go's default and collects in
// quiet moments, unless GOGC is set. GOMEMLIMIT always holds. The returned function
// ends it.
func collectGarbage() (end func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	debug.SetGCPercent(garbagePercent)
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		collectInQuiet(over)
	}()
	return func() {
		close(over)
		<-done
	}
}

func collectInQuiet(over <-chan struct{}) {
	ticker := time.NewTicker(quietAfter)
	defer ticker.Stop()
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
	}
	var g garbage
	for {
		select {
		case <-over:
			return
		case <-ticker.C:
		}
		metrics.Read(samples)
		if g.worth(samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64()) {
			// A plain collection would keep the freed memory for a heap that may grow
			// to three times its size again.
			debug.FreeOSMemory()
			g.cycles++ // Its own collection does not make the venue busy.
		}
	}
}

// garbage remembers what collectInQuiet saw last.
type garbage struct{ cycles uint64 }

// worth says whether a collection is worth it: none has run since the last call, and
// there is enough garbage. cycles counts the collections; live is the heap after the
// last one and objects the heap now, in bytes.
func (g *garbage) worth(cycles, live, objects uint64) bool {
	quiet := cycles == g.cycles
	g.cycles = cycles
	return quiet && objects > live+live*worthPercent/100+worthBytes
}
