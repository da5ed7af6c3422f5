package bench

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// meter measures how much CPU the server's process and this one use between two times.
type meter struct {
	pid         int // 0: the server's CPU is not measured
	server, own time.Duration
}

// between waits for the two times and reads at each.
func (m *meter) between(ctx context.Context, from, to time.Time) error {
	var sleeper sleeper
	for _, at := range []time.Time{from, to} {
		if err := sleeper.until(ctx, at); err != nil {
			return err
		}
		if err := m.read(); err != nil {
			return err
		}
	}
	return nil
}

// read must be called at the beginning and at the end of what is measured.
func (m *meter) read() error {
	used, err := ownCPU()
	if err != nil {
		return fmt.Errorf("own CPU: %w", err)
	}
	m.own = used - m.own
	if m.pid == 0 {
		return nil
	}
	stat, err := processStat(m.pid)
	if err != nil {
		return err
	}
	m.server = time.Duration(stat.CPUTime()*float64(time.Second)) - m.server
	return nil
}

// processStat returns the figures that Linux keeps of another process.
func processStat(pid int) (procfs.ProcStat, error) {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return procfs.ProcStat{}, fmt.Errorf("the server's process %d: %w", pid, err)
	}
	stat, err := process.Stat()
	if err != nil {
		return procfs.ProcStat{}, fmt.Errorf("the server's process %d: %w", pid, err)
	}
	return stat, nil
}

// processMemory returns the resident memory of a process in bytes.
func processMemory(pid int) (int64, error) {
	stat, err := processStat(pid)
	return int64(stat.ResidentMemory()), err
}

// loadAverage returns how many processes wanted to run in the last minute, "" where
// that is not known.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}
