package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// started starts a server from this test binary and prepares users on it.
func started(t *testing.T, start func() (*Process, error), config PushConfig) (PushConfig, *Process) {
	t.Helper()
	p, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	config.Venue, config.Admin, config.ServerPID = p.Venue, p.Admin, p.PID
	if config.Users, err = PrepareUsers(t.Context(), p.Venue, p.Admin, 2); err != nil {
		t.Fatal(err)
	}
	return config, p
}

// delivered repeats a run for longer and longer until it times a delivery: where the
// machine is busy, none may arrive between the beginning and the end of a short one.
func delivered(config PushConfig, run func(PushConfig) (PushResult, error)) (r PushResult, err error) {
	for config.Duration = 200 * time.Millisecond; config.Duration < 20*time.Second; config.Duration *= 2 {
		if r, err = run(config); err != nil || r.P50 > 0 {
			break
		}
	}
	return r, err
}

func TestFeedsOfAVenueAreMeasuredWhole(t *testing.T) {
	few := PushConfig{Streams: 60, Warmup: 20 * time.Millisecond, Duration: 200 * time.Millisecond}
	config, p := started(t, func() (*Process, error) { return StartProcess(t.Context(), self(t), t.TempDir(), "--impatient") }, few)
	restart := func(ctx context.Context) (int, error) {
		err := p.Restart(ctx)
		return p.PID, err
	}
	limit, backlog, storm, idle, freeze := config, config, config, config, config
	backlog.Burst, backlog.Connections = 16, 7
	idle.Duration = 50 * time.Millisecond
	freeze.Streams, freeze.Rate, freeze.Payload = 5, 300, 1000
	for _, row := range []Row{
		{Name: "limit", Work: WorkPush, Config: limit},
		{Name: "backlog", Work: WorkPush, Config: backlog},
		{Name: "storm", Work: WorkStorm, Config: storm},
		{Name: "freeze", Work: WorkFreeze, Config: freeze, Frozen: FrozenWindow},
		{Name: "idle", Work: WorkIdle, Config: idle},
	} {
		run := func(config PushConfig) (PushResult, error) {
			row.Config = config
			return row.Run(t.Context(), restart)
		}
		measure := run
		if row.Work == WorkPush {
			measure = func(config PushConfig) (PushResult, error) { return delivered(config, run) }
		}
		r, err := measure(row.Config)
		if err != nil || !r.Good() || r.Streams != row.Config.Streams {
			t.Errorf("%s: %+v, %v", row.Name, r, err)
			continue
		}
		switch row.Work {
		case WorkPush:
			if r.DeliveriesPerSecond <= 0 || r.P50 <= 0 || r.P99 < r.P50 || *r.Lost+*r.Duplicated != 0 || r.PerResponse < 1 {
				t.Errorf("%s: %+v", row.Name, r)
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
		}
	}
}

func TestTheYardstickIsOfTheUsualKind(t *testing.T) {
	few := PushConfig{Streams: 60, Warmup: 20 * time.Millisecond, Duration: 200 * time.Millisecond}
	config, _ := started(t, func() (*Process, error) { return StartYardstick(t.Context(), self(t)) }, few)
	r, err := delivered(config, func(config PushConfig) (PushResult, error) { return Push(t.Context(), config) })
	if err != nil || !r.Good() || r.DeliveriesPerSecond <= 0 || r.PerResponse != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestSettingsThatCannotBeMeasuredAreRefused(t *testing.T) {
	for want, change := range map[string]func(*PushConfig){
		"without TLS":  func(c *PushConfig) { c.Venue.Plaintext = false },
		"40 to 1,000":  func(c *PushConfig) { c.Payload = 39 },
		"a user for":   func(c *PushConfig) { c.Streams = 51 },
		"30,000":       func(c *PushConfig) { c.Streams = 30_001 },
		"in a burst":   func(c *PushConfig) { c.Burst = 1001 },
		"connection":   func(c *PushConfig) { c.Streams, c.Connections = 5, 6 },
		"not negative": func(c *PushConfig) { c.Rate = -1 },
		"10 minutes":   func(c *PushConfig) { c.Duration = time.Hour },
	} {
		config := PushConfig{Users: make([]Credentials, 1), Streams: 10}
		config.Venue.Plaintext = true
		change(&config)
		if _, err := Push(t.Context(), config); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

func TestTheMedianIsTheMiddleUnlessOneIsBad(t *testing.T) {
	cpu := func(v float64) PushResult { return PushResult{ServerCPU: &v} }
	if m := Median([]PushResult{cpu(9), cpu(2), cpu(5)}); *m.ServerCPU != 5 {
		t.Errorf("the median is %v", *m.ServerCPU)
	}
	one := uint64(1)
	if m := Median([]PushResult{cpu(9), {Lost: &one}, cpu(5)}); m.Good() {
		t.Errorf("a loss is not shown: %+v", m)
	}
}

func TestTheSummaryTakesEachFigureFromItsRow(t *testing.T) {
	lost, idle, cpu := uint64(2), int64(30_000), 7.5
	s := Summary("todoku", []PushResult{
		{Row: rowLimit, DeliveriesPerSecond: 180_000, ServerCPU: &cpu, P99: 1, Lost: &lost, Duplicated: new(uint64)},
		{Row: rowSteady, DeliveriesPerSecond: 200_000, P50: 3, P99: 40, Lost: &lost, Duplicated: new(uint64)},
		{Row: rowIdle, IdleBytes: &idle},
		{Row: "storm", Storm: &StormResult{CaughtUp: 474}},
	})
	if s.DeliveriesPerSecond != 180_000 || *s.ServerCPU != 7.5 || s.P99 != 40 || *s.IdleBytes != 30_000 || s.Storm.CaughtUp != 474 || *s.Lost != 4 || s.Good() {
		t.Errorf("%+v", s)
	}
}
