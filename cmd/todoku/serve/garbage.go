package serve

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// When garbage is collected. A venue under load lets its heap grow to three times
// what lives in it, which halves what collections cost. One with thousands of idle
// clients would take minutes to get there, and hold three times the memory it
// needs meanwhile; it has time to collect before.

// garbagePercent lets the heap grow to three times what lives in it before the
// next collection.
const garbagePercent = 200

const (
	// quietAfter is how long no collection must have been needed for the venue to
	// count as quiet, and how often that is looked at.
	quietAfter = 5 * time.Second
	// worthPercent and worthBytes are how much garbage makes a collection worth it.
	worthPercent = 10
	worthBytes   = 4 << 20
)

// collectGarbage sets what serves a server better than Go's defaults and collects
// in quiet moments, unless the operator has decided by GOGC. GOMEMLIMIT holds in
// any case. The returned function ends it.
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
			// What a collection alone frees, the runtime keeps for a heap that may
			// grow to three times its size again: after ten thousand clients have
			// come, as much as they need.
			debug.FreeOSMemory()
			g.cycles++ // Its own collection does not make the venue busy.
		}
	}
}

// garbage remembers what collectInQuiet saw last.
type garbage struct{ cycles uint64 }

// worth says whether nothing was collected since it was last asked and there is
// enough to collect: cycles counts the collections, live is what the last one left,
// objects what there is now, both in bytes.
func (g *garbage) worth(cycles, live, objects uint64) bool {
	quiet := cycles == g.cycles
	g.cycles = cycles
	return quiet && objects > live+live*worthPercent/100+worthBytes
}
