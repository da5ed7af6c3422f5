package bench

import (
	"errors"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestAFrozenClientIsEndedInTimeAndResumesWithoutLoss freezes one of many clients in every
// way, and measures memory in one of them. The venue is a process of its own, built without
// the race detector, which would dominate its memory. What the others notice can only be
// judged on a quiet machine: todoku bench push --mode freeze.
func TestAFrozenClientIsEndedInTimeAndResumesWithoutLoss(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "todoku")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "todoku/cmd/todoku").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const (
		limit = time.Second
		slack = 16 << 20 // Stacks grow when the machine is busy, and one round is a small sample.
	)
	process, err := StartProcess(t.Context(), binary, t.TempDir(), "--send-timeout", limit.String())
	p := started(t, process, err)
	for _, how := range Ways() {
		t.Run(string(how), func(t *testing.T) {
			config := PushConfig{
				Target: p.Target, Work: WorkFreeze, Frozen: how, Rounds: 1,
				Streams: 100, Rate: 100, Payload: 1000, Warmup: 100 * time.Millisecond, Duration: time.Second,
			}
			if how == FrozenApplication {
				config.Work = WorkFreezeMemory
			}
			r, err := Push(t.Context(), config)
			if err != nil || !r.Good() {
				t.Fatalf("%+v, %v", r, err)
			}
			if f := r.FrozenMemory; f != nil {
				t.Logf("%+v", f)
				endedInTime(t, limit, f.Rounds[0].Ending)
				if f.Cost > slack {
					t.Errorf("a client that does not read costs the venue %d bytes", f.Cost)
				}
				return
			}
			if how == FrozenSocket && r.Frozen.Reason == "DISCONNECTED" {
				// The socket's buffer filled so slowly that the kernel closed the
				// connection before a send was blocked for long enough.
				return
			}
			endedInTime(t, limit, r.Frozen.Ending)
		})
	}
}

// endedInTime checks how the stream of a client that does not read was ended.
func endedInTime(t *testing.T, limit time.Duration, e Ending) {
	t.Helper()
	if e.Reason != "SLOW_CONSUMER" {
		t.Errorf("ended with %q", e.Reason)
	}
	// The benchmark measures how late it may be: here the venue may wait for a core.
	if e.Blocked > 0 && e.Blocked < limit.Seconds()-0.01 {
		t.Errorf("a send was blocked for %.2f s, the limit is %s", e.Blocked, limit)
	}
}

// TestAClientsMemoryIsSeparatedFromOtherGrowth simulates a server's memory: it rises all the
// time, less and less, garbage comes and goes on top, and one client after the other makes
// it hold more.
func TestAClientsMemoryIsSeparatedFromOtherGrowth(t *testing.T) {
	const (
		second  = time.Second
		garbage = 9 << 20
		base    = 80 << 20
	)
	began := time.Now()
	for _, held := range []int64{0, 300_000, 5 << 20} {
		f := &freezing{pushRun: &pushRun{config: PushConfig{Frozen: FrozenSocket}}}
		var frozen []memorySpans
		for i := range 4 {
			at := began.Add(time.Duration(10+40*i) * second)
			frozen = append(frozen, memorySpans{frozen: at, control: at.Add(24 * second), length: 16 * second})
			f.victims = append(f.victims, &victim{ending: Ending{Reason: "SLOW_CONSUMER"}})
		}
		f.rounds = frozen
		for i := range 1800 {
			at := began.Add(time.Duration(i) * lookEvery)
			bytes := base + int64(1e6*math.Sqrt(at.Sub(began).Seconds())) + int64(i*7919%10)*garbage/10
			for _, s := range frozen {
				// It fills at first, and is freed when the stream has ended.
				if since := at.Sub(s.frozen); since > 0 && since <= s.length {
					bytes += held * int64(min(since, 8*second)) / int64(8*second)
				}
			}
			f.memory = append(f.memory, memorySample{at, bytes})
		}
		result := f.judge()
		if wrong := result.Cost - held; max(wrong, -wrong) > 100_000 {
			t.Errorf("a client that holds %d bytes is said to cost %d: %+v", held, result.Cost, result)
		}
		if result.Control < 400_000 || result.Control > 900_000 || len(result.Rounds) != 3 || result.Rounds[2].Reason != "SLOW_CONSUMER" {
			t.Errorf("%+v", result)
		}
	}
}

func TestTheMedianOfTheRoundsCounts(t *testing.T) {
	f := FrozenMemory{Rounds: []MemoryRound{{Growth: Growth{5, -1, 6}}, {Growth: Growth{90, 2, 88}}, {Growth: Growth{4, -70, 74}}}}
	f.sum()
	if f.Frozen != 5 || f.Control != -1 || f.Cost != 74 {
		t.Errorf("%+v", f)
	}
}

func TestFreezingIsRefusedWhereItCannotBeMeasured(t *testing.T) {
	for name, change := range map[string]func(c *PushConfig){
		"no process":           func(c *PushConfig) { c.Target.PID = 0 },
		"no rate":              func(c *PushConfig) { c.Rate = 0 },
		"no other client":      func(c *PushConfig) { c.Rounds = 9 },
		"no rounds":            func(c *PushConfig) { c.Rounds = -1 },
		"a connection for two": func(c *PushConfig) { c.Connections = 5 },
		"another way":          func(c *PushConfig) { c.Frozen = "asleep" },
	} {
		c := PushConfig{Work: WorkFreezeMemory, Streams: 10, Rate: 1, Rounds: 1, Target: Target{PID: 1}}
		c.Target.Venue.Plaintext = true
		if _, err := c.withDefaults(); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if _, err := Push(t.Context(), c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("GOGC", "77")
	if e := littleGarbage(); e != nil {
		t.Errorf("a GOGC that was set is replaced by %v", e)
	}
	t.Setenv("GOGC", "")
	if e := littleGarbage(); !slices.Contains(e, "GOGC=5") {
		t.Error(e)
	}
}
