package flood

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"todoku/internal/apptest"
	"todoku/trade"
)

// venue is a venue under attack, in a process of its own.
type venue struct {
	GRPC, HTTP string
	pid        int
	failure    string // The first line of a panic; to be read when the log has ended.
}

// startVenue builds the program as it is shipped and serves a venue, which ends with the
// test. The race detector would multiply its memory.
func startVenue(t *testing.T) *venue {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "todoku")
	build := exec.CommandContext(t.Context(), "go", "build", "-race=false", "-trimpath", "-o", binary, "todoku/cmd/todoku")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // As make build does: one build for both.
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data := filepath.Join(dir, "data")
	users := apptest.Users()
	for _, name := range []trade.UserID{"bomber", "holder", "whale", "opener", "prober"} {
		users = append(users, trade.User{ID: name, DisplayName: string(name), Roles: trade.RoleTrader, Accounts: []trade.AccountID{trade.AccountID(name)}})
	}
	if err := apptest.Seed(t.Context(), data, users, apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, "serve", "--data", data, "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--log-format", "json") //nolint:noctx // The cleanup ends it.
	out, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	v := &venue{pid: command.Process.Pid}
	// A venue whose memory grows without a bound ends before this machine does.
	limit := unix.Rlimit{Cur: 4 * mostMemory, Max: 4 * mostMemory}
	if err := unix.Prlimit(v.pid, unix.RLIMIT_DATA, &limit, nil); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewReader(out)
	for v.GRPC == "" {
		line, err := log.ReadString('\n')
		if err != nil {
			t.Fatalf("the venue did not start: %v: %s", err, line)
		}
		v.takeAddresses(line)
	}
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		v.watchLog(log)
	}()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM) // It may have ended.
		defer apptest.Overdue(command).Stop()
		<-logged
		if err := command.Wait(); err != nil {
			t.Errorf("the venue ended with %v %s", err, v.failure)
		}
	})
	return v
}

// takeAddresses takes the ports from the line of the log that names them.
func (v *venue) takeAddresses(line string) {
	var entry struct{ Msg, GRPC, HTTP string }
	if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving" {
		v.GRPC, v.HTTP = entry.GRPC, entry.HTTP
	}
}

// watchLog reads the log to its end and keeps how the venue failed, if it did.
func (v *venue) watchLog(log *bufio.Reader) {
	for {
		line, err := log.ReadString('\n')
		if err != nil {
			return
		}
		if strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "panic: ") {
			v.failure = line
		}
	}
}

// forgetPeak makes the memory in use now the peak (Linux, proc(5), clear_refs).
func (v *venue) forgetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile("/proc/"+strconv.Itoa(v.pid)+"/clear_refs", []byte("5"), 0o600); err != nil && !strings.Contains(err.Error(), "permission") {
		t.Fatal(err)
	}
}

// peak returns the most resident memory, in bytes, since forgetPeak or the start.
func (v *venue) peak(t *testing.T) uint64 {
	t.Helper()
	process, err := procfs.NewProc(v.pid)
	if err != nil {
		t.Fatal(err)
	}
	status, err := process.NewStatus()
	if err != nil {
		t.Fatal(err)
	}
	return status.VmHWM
}

// cpu returns the CPU time that the venue has used.
func (v *venue) cpu(t *testing.T) time.Duration {
	t.Helper()
	process, err := procfs.NewProc(v.pid)
	if err != nil {
		t.Fatal(err)
	}
	stat, err := process.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(stat.CPUTime() * float64(time.Second))
}
