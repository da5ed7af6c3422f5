package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// started returns a server that was started for a test, which stops it.
func started(t *testing.T, p *Process, err error) *Process {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// delivered repeats a run for longer and longer until it times a delivery: where the
// machine is busy, none may arrive between the beginning and the end of a short one.
func delivered(ctx context.Context, config PushConfig) (r Result, err error) {
	for config.Duration = 200 * time.Millisecond; config.Duration < 20*time.Second; config.Duration *= 2 {
		if r, err = Push(ctx, config); err != nil || r.P50 > 0 {
			break
		}
	}
	return r, err
}

func TestFeedsOfAVenueAreMeasuredWhole(t *testing.T) {
	process, err := StartProcess(t.Context(), self(t), t.TempDir(), "--impatient")
	p := started(t, process, err)
	config := PushConfig{Streams: 60, Warmup: 20 * time.Millisecond, Duration: 200 * time.Millisecond}
	limit, backlog, storm, idle, freeze := config, config, config, config, config
	backlog.Burst, backlog.Connections = 16, 7
	storm.Work = WorkStorm
	idle.Work, idle.Duration = WorkIdle, 50*time.Millisecond
	freeze.Work, freeze.Streams, freeze.Rate, freeze.Payload = WorkFreeze, 5, 300, 1000
	limit.Row, backlog.Row, storm.Row, freeze.Row, idle.Row = "limit", "backlog", "storm", "freeze", "idle"
	for _, config := range []PushConfig{limit, backlog, storm, freeze, idle} {
		name := config.Row
		config.Target = p.Target
		measure := Push
		if config.Work == "" {
			measure = delivered
		}
		r, err := measure(t.Context(), config)
		if err != nil || !r.Good() || r.Streams != config.Streams || r.Server != todoku {
			t.Errorf("%s: %+v, %v", name, r, err)
			continue
		}
		switch r.Work {
		case WorkPush:
			if r.DeliveriesPerSecond <= 0 || r.P50 <= 0 || r.P99 < r.P50 || *r.Lost+*r.Duplicated != 0 || r.PerResponse < 1 {
				t.Errorf("%s: %+v", name, r)
			}
		case WorkStorm:
			if r.Storm.CaughtUp <= 0 || r.Storm.Missed != 20 || r.Events != 20 {
				t.Errorf("%+v, %+v", r, r.Storm)
			}
		case WorkFreeze:
			if r.Frozen.Reason != "SLOW_CONSUMER" || r.Frozen.EndedAfter <= 0 || r.Frozen.P99 <= 0 {
				t.Errorf("%+v, %+v", r, r.Frozen)
			}
		case WorkIdle:
			if *r.IdleBytes <= 0 {
				t.Errorf("%+v", r)
			}
		default:
			t.Errorf("work %q", r.Work)
		}
	}
}

func TestTheYardstickSendsEveryEventByItself(t *testing.T) {
	process, err := StartYardstick(t.Context(), self(t))
	p := started(t, process, err)
	r, err := delivered(t.Context(), PushConfig{Target: p.Target, Streams: 60, Warmup: 20 * time.Millisecond})
	if err != nil || !r.Good() || r.DeliveriesPerSecond <= 0 || r.PerResponse != 1 || r.Server != yardstickOwn {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestInvalidSettingsOfFeedsAreRefused(t *testing.T) {
	for want, change := range map[string]func(*PushConfig){
		"without TLS": func(c *PushConfig) { c.Target.Venue.Plaintext = false },
		"least is 40": func(c *PushConfig) { c.Payload = 39 },
		"most 30000":  func(c *PushConfig) { c.Streams = 30_001 },
		"in a burst":  func(c *PushConfig) { c.Burst = 1001 },
		"connection":  func(c *PushConfig) { c.Streams, c.Connections = 5, 6 },
		"process id":  func(c *PushConfig) { c.Work = WorkIdle },
		"no work":     func(c *PushConfig) { c.Work = "jump" },
		"be negative": func(c *PushConfig) { c.Rate = -1 },
		"10m0s":       func(c *PushConfig) { c.Duration = time.Hour },
	} {
		config := PushConfig{Streams: 10}
		config.Target.Venue.Plaintext = true
		change(&config)
		if _, err := Push(t.Context(), config); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func TestTheMedianIsReturnedUnlessAResultShowsADefect(t *testing.T) {
	cpu := func(v float64) Result { return Result{ServerCPU: &v} }
	if m := Median([]Result{cpu(9), cpu(2), cpu(5)}); *m.ServerCPU != 5 {
		t.Errorf("the median is %v", *m.ServerCPU)
	}
	one := uint64(1)
	if m := Median([]Result{cpu(9), {Lost: &one}, cpu(5)}); m.Good() {
		t.Errorf("a loss is not shown: %+v", m)
	}
}

func TestTheSummaryTakesEachFigureFromItsRow(t *testing.T) {
	lost, idle, cpu := uint64(2), int64(30_000), 7.5
	s := Summary([]Result{
		{Row: rowLimit, DeliveriesPerSecond: 180_000, ServerCPU: &cpu, P99: 1, Lost: &lost, Duplicated: new(uint64)},
		{Row: rowSteady, DeliveriesPerSecond: 200_000, P50: 3, P99: 40, Lost: &lost, Duplicated: new(uint64)},
		{Row: rowIdle, IdleBytes: &idle},
		{Row: "storm", Storm: &StormResult{CaughtUp: 474}},
	})
	if s.DeliveriesPerSecond != 180_000 || *s.ServerCPU != 7.5 || s.P99 != 40 || *s.IdleBytes != 30_000 || s.Storm.CaughtUp != 474 || *s.Lost != 4 || s.Good() {
		t.Errorf("%+v", s)
	}
}
