package bench

import (
	"context"
	"errors"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestOneThatStopsReadingIsEndedInTimeAndComesBackWhole freezes one of many clients in
// every way, and looks at the memory in one, which takes a rehearsal and two controls. The
// venue is a process of its own, built without the race detector, which would be what its
// memory measures. What the others notice is for a quiet machine to judge: todoku bench
// push --mode freeze.
func TestOneThatStopsReadingIsEndedInTimeAndComesBackWhole(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "todoku")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "todoku/cmd/todoku").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const (
		limit = time.Second
		slack = 16 << 20 // Stacks that grow when the machine is busy, and one round is little.
	)
	config, p := started(t, func() (*Process, error) {
		return StartProcess(t.Context(), binary, t.TempDir(), "--send-timeout", limit.String())
	}, PushConfig{Streams: 100, Rate: 100, Payload: 1000, Warmup: 100 * time.Millisecond, Duration: time.Second, Self: self(t)})
	restart := func(ctx context.Context) (int, error) {
		p.Environment = LittleGarbage()
		err := p.Restart(ctx)
		return p.PID, err
	}
	for _, how := range Ways() {
		t.Run(string(how), func(t *testing.T) {
			if how != FrozenApplication {
				r, err := Freeze(t.Context(), config, how, time.Minute)
				if err != nil || !r.Good() {
					t.Fatalf("%+v, %v", r, err)
				}
				if how == FrozenSocket && r.Frozen.Reason == "DISCONNECTED" {
					// What the socket takes filled so slowly that the kernel gave the
					// connection up before a send was blocked for long enough.
					return
				}
				endedInTime(t, limit, r.Frozen.Reason, r.Frozen.Blocked)
				return
			}
			r, err := FreezeMemory(t.Context(), config, how, 1, time.Minute, restart)
			config.ServerPID = p.PID
			if err != nil || !r.Good() {
				t.Fatalf("%+v, %v", r, err)
			}
			f := r.FrozenMemory
			t.Logf("%+v", f)
			endedInTime(t, limit, f.Rounds[0].Reason, f.Rounds[0].Blocked)
			if f.Cost > slack {
				t.Errorf("one that does not read costs the venue %d bytes", f.Cost)
			}
		})
	}
}

// endedInTime judges how a stream of one that does not read was ended; blocked is in
// seconds.
func endedInTime(t *testing.T, limit time.Duration, reason string, blocked float64) {
	t.Helper()
	if reason != "SLOW_CONSUMER" {
		t.Errorf("ended with %q", reason)
	}
	// How late it may be is measured by the benchmark: here the venue may wait for a core.
	if blocked > 0 && blocked < limit.Seconds()-0.01 {
		t.Errorf("a send was blocked for %.2f s, the limit is %s", blocked, limit)
	}
}

// TestAClientsMemoryIsToldFromEverythingElse makes up a server's memory: it rises all the
// time, less and less, garbage comes and goes on top, and a client after the other makes
// it hold more.
func TestAClientsMemoryIsToldFromEverythingElse(t *testing.T) {
	const (
		second  = time.Second
		garbage = 9 << 20
		base    = 80 << 20
	)
	began := time.Now()
	for _, held := range []int64{0, 300_000, 5 << 20} {
		m := &memoryRun{}
		var frozen []memorySpans
		for i := range 4 {
			at := began.Add(time.Duration(10+40*i) * second)
			frozen = append(frozen, memorySpans{frozen: at, control: at.Add(24 * second), length: 16 * second})
			v := &victim{}
			v.result.Reason = "SLOW_CONSUMER"
			m.victims = append(m.victims, v)
		}
		m.rounds = frozen
		var memory []memorySample
		for i := range 1800 {
			at := began.Add(time.Duration(i) * lookEvery)
			bytes := base + int64(1e6*math.Sqrt(at.Sub(began).Seconds())) + int64(i*7919%10)*garbage/10
			for _, s := range frozen {
				// It fills at first, and is let go when the stream has ended.
				if since := at.Sub(s.frozen); since > 0 && since <= s.length {
					bytes += held * int64(min(since, 8*second)) / int64(8*second)
				}
			}
			memory = append(memory, memorySample{at, bytes})
		}
		result := m.judge(FrozenSocket, memory)
		if wrong := result.Cost - held; max(wrong, -wrong) > 100_000 {
			t.Errorf("a client that holds %d bytes is said to cost %d: %+v", held, result.Cost, result)
		}
		if result.Control < 400_000 || result.Control > 900_000 || len(result.Rounds) != 3 || result.Rounds[2].Reason != "SLOW_CONSUMER" {
			t.Errorf("%+v", result)
		}
	}
}

func TestTheMiddleOfTheRoundsCounts(t *testing.T) {
	f := FrozenMemory{Rounds: []MemoryRound{{Frozen: 5, Control: -1, Cost: 6}, {Frozen: 90, Control: 2, Cost: 88}, {Frozen: 4, Control: -70, Cost: 74}}}
	f.sum()
	if f.Frozen != 5 || f.Control != -1 || f.Cost != 74 {
		t.Errorf("%+v", f)
	}
}

func TestMemoryIsAskedForWhereItCanBeMeasured(t *testing.T) {
	fine := PushConfig{Streams: 10, Rate: 1, ServerPID: 1, Users: make([]Credentials, 1)}
	for name, change := range map[string]func(c *PushConfig, rounds *int, how *Frozen){
		"no process":           func(c *PushConfig, _ *int, _ *Frozen) { c.ServerPID = 0 },
		"no rate":              func(c *PushConfig, _ *int, _ *Frozen) { c.Rate = 0 },
		"nobody else":          func(_ *PushConfig, rounds *int, _ *Frozen) { *rounds = 9 },
		"no rounds":            func(_ *PushConfig, rounds *int, _ *Frozen) { *rounds = 0 },
		"a connection for two": func(c *PushConfig, _ *int, _ *Frozen) { c.Connections = 5 },
		"another way":          func(_ *PushConfig, _ *int, how *Frozen) { *how = "asleep" },
	} {
		c, rounds, how := fine, 1, FrozenWindow
		change(&c, &rounds, &how)
		if _, err := FreezeMemory(t.Context(), c, how, rounds, 0, nil); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("GOGC", "77")
	if e := LittleGarbage(); e != nil {
		t.Errorf("what was set is overruled by %v", e)
	}
	t.Setenv("GOGC", "")
	if e := LittleGarbage(); !slices.Contains(e, "GOGC=5") {
		t.Error(e)
	}
}
