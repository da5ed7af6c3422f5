package serve

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Under load the heap may grow to three times the live data, which halves the cost of
// collections. With thousands of idle clients a collection would then come only after
// minutes, so a quiet venue collects earlier.

const (
	// garbagePercent lets the heap grow to three times the live data.
	garbagePercent = 200
	// checkEvery is the interval of checks; a venue without a collection in it is quiet.
	checkEvery = 5 * time.Second
	// worthPercent and worthBytes say how much garbage makes a collection worth it.
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
	return background(collectInQuiet)
}

func collectInQuiet(ctx context.Context) {
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
	}
	var g garbage
	for ticks := time.Tick(checkEvery); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
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

// garbage remembers how many collections the last check counted.
type garbage struct{ cycles uint64 }

// worth says whether a collection is worth it: none has run since the last call, and
// there is enough garbage. cycles counts the collections; live is the heap after the
// last one and objects the heap now, in bytes.
func (g *garbage) worth(cycles, live, objects uint64) bool {
	quiet := cycles == g.cycles
	g.cycles = cycles
	return quiet && objects > live+live*worthPercent/100+worthBytes
}
