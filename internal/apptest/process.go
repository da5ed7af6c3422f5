package apptest

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"todoku/server"
)

// A venue in a process of its own is this test binary started again. It needs no second
// build, has the same race detector, and can be killed.

// Environment variables of a process that is to be a venue.
const (
	envData     = "TODOKU_APPTEST_DATA"
	envAddress  = "TODOKU_APPTEST_ADDRESS"
	envSettings = "TODOKU_APPTEST_SETTINGS"
	envLog      = "TODOKU_APPTEST_LOG" // log every line, not only warnings
)

// Settings are those of a venue in a process of its own, so that a test takes seconds
// instead of minutes. Zero is the default of a venue, or of the package that is named.
type Settings struct {
	// SnapshotEvery is the number of records between snapshots; 500.
	SnapshotEvery uint64
	// These are fields of push.Config.
	Heartbeat, AckTimeout, SendTimeout, StreamAge, ReconnectGrace, Gather time.Duration
	QueueMessages                                                         int
	// ReplayEvents is a field of feed.Options.
	ReplayEvents int
	// AccessTTL is the life of an access token. A stream may outlive it by ExpiryGrace.
	AccessTTL, ExpiryGrace time.Duration
	// PresenceGrace, Drain and Handshake are Presence.Grace, Drain and Doors.Handshake of
	// server.Config.
	PresenceGrace, Drain, Handshake time.Duration
}

func (s *Settings) apply(config *server.Config) {
	config.SnapshotEvery = s.SnapshotEvery
	// Unset limits are those of push, not the generous ones of Config.
	config.Push.HeartbeatInterval, config.Push.AckTimeout, config.Push.SendTimeout = s.Heartbeat, s.AckTimeout, s.SendTimeout
	config.Push.StreamAge, config.Push.ReconnectGrace, config.Push.Gather = s.StreamAge, s.ReconnectGrace, s.Gather
	config.Push.QueueMessages, config.Push.QueueBytes, config.Push.ExpiryGrace = s.QueueMessages, 0, s.ExpiryGrace
	config.Replay.ReplayEvents = s.ReplayEvents
	config.Accounts.AccessTTL, config.Accounts.Grace = s.AccessTTL, s.ExpiryGrace
	config.Presence.Grace, config.Doors.Handshake = s.PresenceGrace, s.Handshake
	config.Drain = cmp.Or(s.Drain, config.Drain)
}

// Main serves a venue if this process was started by [Launch], and does not return then.
// A package that uses Launch must call it at the beginning of TestMain.
func Main() {
	dir := os.Getenv(envData)
	if dir == "" {
		return
	}
	if err := serve(dir); err != nil {
		fmt.Fprintln(os.Stderr, "venue:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	config := Config(dir)
	config.GRPCAddr = os.Getenv(envAddress)
	logged := server.NewLogWriter(os.Stderr, func(w io.Writer, lines uint64) {
		_, _ = fmt.Fprintln(w, "log lines were dropped:", lines) // To a buffer.
	})
	defer logged.Close(time.Second)
	level := slog.LevelWarn
	if os.Getenv(envLog) != "" {
		level = slog.LevelInfo
	}
	config.Logger = slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: level}))
	var settings Settings
	if err := json.Unmarshal([]byte(os.Getenv(envSettings)), &settings); err != nil {
		return err
	}
	settings.apply(&config)
	s, err := server.New(ctx, config)
	if err != nil {
		return err
	}
	if _, err := fmt.Println(ready, s.GRPCAddr()); err != nil {
		return errors.Join(err, s.Run(ctx))
	}
	return s.Run(ctx)
}

// ready is what a venue prints when its ports are open, followed by the address.
const ready = "listening"

// Process is a venue in a process of its own.
type Process struct {
	// Listen is the address to listen on: the same port after every restart, unless a
	// test sets port 0.
	Listen string
	// Address is where the venue listens.
	Address string
	// Data is its directory.
	Data string
	// Program is the binary, which must call Main; this test's by default.
	Program string
	// Environment is added to that of this process.
	Environment []string
	// Log takes every line of the venue's log; by default this process's standard error
	// takes warnings and errors.
	Log *os.File

	Settings

	t       testing.TB
	command *exec.Cmd
}

// Launch prepares a venue over a seeded directory; Start starts it.
func Launch(t testing.TB, dir string) *Process {
	t.Helper()
	p := &Process{Listen: FreeAddress(t), Data: dir, Settings: Settings{SnapshotEvery: 500}, t: t}
	p.Address = p.Listen
	t.Cleanup(p.Kill)
	return p
}

// FreeAddress returns a loopback address on which nothing listens.
func FreeAddress(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // Nothing was written.
	return l.Addr().String()
}

// Start starts the process and waits until its ports are open.
func (p *Process) Start() {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	settings, err := json.Marshal(p.Settings)
	if err != nil {
		p.t.Fatal(err)
	}
	command := exec.Command(cmp.Or(p.Program, self)) //nolint:noctx // Kill ends it, at the latest in the test's cleanup.
	command.Env = append(os.Environ(), p.Environment...)
	command.Env = append(command.Env, envData+"="+p.Data, envAddress+"="+p.Listen, envSettings+"="+string(settings))
	command.Stderr = os.Stderr
	if p.Log != nil {
		command.Stderr, command.Env = p.Log, append(command.Env, envLog+"=1")
	}
	command.WaitDelay = time.Second
	out, err := command.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.command = command
	line, err := bufio.NewReader(out).ReadString('\n')
	address, found := strings.CutPrefix(strings.TrimSpace(line), ready+" ")
	if err != nil || !found {
		p.t.Fatalf("venue did not start: %q, %v", line, err)
	}
	p.Address = address
}

// Kill ends the process as a power cut does (SIGKILL). It may be called again.
func (p *Process) Kill() {
	if p.command == nil {
		return
	}
	_ = p.command.Process.Kill() // It may have ended already.
	_ = p.command.Wait()         // The kill is its error.
	p.command = nil
}

// Stop ends the process as an operator does (SIGTERM). A process that does not end in
// time prints its goroutines and ends, which fails the test.
func (p *Process) Stop() {
	p.t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	defer Overdue(p.command).Stop()
	if err := p.command.Wait(); err != nil {
		p.t.Fatalf("venue stopped with %v", err)
	}
	p.command = nil
}

// longestStop bounds how long a process takes to end after a signal. A busy machine with
// the race detector needs a fraction of it; the limit of a whole test is five times it.
const longestStop = 2 * time.Minute

// Overdue returns a timer after which the process prints its goroutines and ends
// (SIGQUIT), so that a test that waits for its end fails with the reason instead of
// hanging. The caller stops the timer when the process has ended.
func Overdue(command *exec.Cmd) *time.Timer {
	return time.AfterFunc(longestStop, func() { _ = command.Process.Signal(syscall.SIGQUIT) }) // It may have ended just now.
}
