package bench

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// ownCPU returns how much CPU time this process has used.
func ownCPU() (time.Duration, error) {
	var created, ended, kernel, user syscall.Filetime
	self, err := syscall.GetCurrentProcess()
	if err == nil {
		err = syscall.GetProcessTimes(self, &created, &ended, &kernel, &user)
	}
	// A Filetime counts 100 ns; here both are durations, not times.
	ticks := func(f syscall.Filetime) int64 { return int64(f.HighDateTime)<<32 + int64(f.LowDateTime) }
	return time.Duration(100 * (ticks(kernel) + ticks(user))), err
}

// stop stops a process until resume.
func stop(*os.Process) error {
	return errors.New("a process cannot be stopped on Windows; choose another --freeze")
}

func resume(*os.Process) error { return nil }
