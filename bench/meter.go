package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// meter measures how much CPU the server's process and this one used within the
// measured time.
type meter struct {
	pid         int
	server, own time.Duration
	// known says that the server's figure is there.
	known bool
}

func newMeter(pid int) *meter { return &meter{pid: pid} }

// between waits for the two times and reads at each.
func (m *meter) between(ctx context.Context, from, to time.Time) error {
	sleeper := newSleeper()
	defer sleeper.stop()
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

// read is called twice: at the beginning of what is measured and at its end.
func (m *meter) read() error {
	own, err := ownCPU()
	if err != nil {
		return err
	}
	m.own = own - m.own
	if m.pid == 0 {
		return nil
	}
	server, err := processCPU(m.pid)
	if err != nil {
		return err
	}
	m.server, m.known = server-m.server, true
	return nil
}

func ownCPU() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("own CPU: %w", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// clockTick is the unit of /proc's times: USER_HZ, 100 a second on every Linux
// that Go runs on.
const clockTick = 10 * time.Millisecond

// processCPU returns the CPU time of another process, user and system (proc(5):
// fields 14 and 15 of stat).
func processCPU(pid int) (time.Duration, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("server's CPU: %w", err)
	}
	return parseStat(stat)
}

func parseStat(stat []byte) (time.Duration, error) {
	// The second field is the program's name in parentheses, which may hold anything.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const user, system = 14 - 3, 15 - 3
	if len(fields) <= system {
		return 0, fmt.Errorf("server's CPU: %d fields in stat", len(fields))
	}
	sum := time.Duration(0)
	for _, f := range [][]byte{fields[user], fields[system]} {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("server's CPU: %w", err)
		}
		sum += time.Duration(n) * clockTick
	}
	return sum, nil
}

// processMemory returns the resident memory of a process in bytes (proc(5): the
// second field of statm, in pages).
func processMemory(pid int) (int64, error) {
	statm, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, fmt.Errorf("server's memory: %w", err)
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0, fmt.Errorf("server's memory: %d fields in statm", len(fields))
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("server's memory: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
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
