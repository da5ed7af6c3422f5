package bench

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestOneThatStopsReadingIsEndedInTimeAndComesBackWhole freezes
// one of many clients in every way. The venue is a process of its own, built without
// the race detector, which would be what its memory measures. What the others notice
// is for a quiet machine to judge: todoku bench push --mode freeze.
func TestOneThatStopsReadingIsEndedInTimeAndComesBackWhole(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "todoku")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "todoku/cmd/todoku").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const (
		limit = time.Second
		slack = 8 << 20 // Garbage still, and stacks that grow when the machine is busy.
	)
	// With Go's usual measure more than half of the memory is garbage, and what one
	// client costs cannot be seen.
	t.Setenv("GOGC", "10")
	config, _ := started(t, func() (*Process, error) {
		return StartProcess(t.Context(), binary, t.TempDir(), "--send-timeout", limit.String())
	}, PushConfig{Streams: 100, Rate: 100, Payload: 1000, Warmup: 100 * time.Millisecond, Duration: 2 * time.Second, Self: self(t)})
	for _, how := range Ways() {
		t.Run(string(how), func(t *testing.T) {
			r, err := Freeze(t.Context(), config, how, time.Minute)
			if err != nil || !r.Good() {
				t.Fatalf("%+v, %v", r, err)
			}
			f := r.Frozen
			t.Logf("ended %s after %.1f s, blocked for %.2f s; p99 of the others %.1f ms before, %.1f ms then; memory %+d bytes",
				f.Reason, f.EndedAfter, f.Blocked, r.P99, f.P99, f.MemoryGrowth)
			if f.Reason != "SLOW_CONSUMER" {
				t.Errorf("ended with %q", f.Reason)
			}
			if late := f.Blocked - limit.Seconds(); f.Blocked > 0 && (late < -0.01 || late > 1) {
				t.Errorf("a send was blocked for %.2f s, the limit is %s", f.Blocked, limit)
			}
			if f.MemoryGrowth > slack {
				t.Errorf("the venue's memory grew by %d bytes for one that does not read", f.MemoryGrowth)
			}
		})
	}
}
