package apptest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// A venue in a process of its own is this test binary once more: no other build,
// the same race detector, and it can be killed.

// Environment of a process that is to be a venue.
const (
	envData     = "TODOKU_APPTEST_DATA"
	envAddress  = "TODOKU_APPTEST_ADDRESS"
	envSettings = "TODOKU_APPTEST_SETTINGS"
)

// Settings are those of a venue in a process of its own, so that what
// takes minutes in life takes seconds in a test. Zero is the default of a venue.
type Settings struct {
	// SnapshotEvery is after how many records it writes a snapshot; 500.
	SnapshotEvery uint64
	// Heartbeat, AckTimeout, SendTimeout, StreamAge, ReconnectGrace, QueueMessages
	// and Gather are of push.Config.
	Heartbeat, AckTimeout, SendTimeout, StreamAge, ReconnectGrace, Gather time.Duration
	QueueMessages                                                         int
	// ReplayEvents bounds what a resume replays.
	ReplayEvents int
	// AccessTTL is how long an access token is good for, and ExpiryGrace how much
	// longer a stream.
	AccessTTL, ExpiryGrace time.Duration
	// PresenceGrace is how long a user may be away and still be signed in.
	PresenceGrace time.Duration
	// Drain is how long a stop may take.
	Drain time.Duration
	// Handshake is how long a connection may take to begin speaking gRPC.
	Handshake time.Duration
}

func (s *Settings) apply(config *server.Config) {
	config.SnapshotEvery = s.SnapshotEvery
	// Clients of a process are judged by push's own limits where none are set.
	config.Push.HeartbeatInterval, config.Push.AckTimeout, config.Push.SendTimeout = s.Heartbeat, s.AckTimeout, s.SendTimeout
	config.Push.StreamAge, config.Push.ReconnectGrace, config.Push.Gather = s.StreamAge, s.ReconnectGrace, s.Gather
	config.Push.QueueMessages, config.Push.QueueBytes, config.Push.ExpiryGrace = s.QueueMessages, 0, s.ExpiryGrace
	config.Replay.ReplayEvents = s.ReplayEvents
	config.Accounts.AccessTTL, config.Accounts.Grace = s.AccessTTL, s.ExpiryGrace
	config.Presence.Grace, config.Doors.Handshake = s.PresenceGrace, s.Handshake
	if s.Drain != 0 {
		config.Drain = s.Drain
	}
}

// Main makes a venue of this process if it was started as one. A package that
// uses [Launch] calls it first thing in TestMain.
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
	config.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
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

// ready is what a venue prints when its ports are open, and then which.
const ready = "listening"

// Process is a venue in a process of its own.
type Process struct {
	// Listen is where it is to listen: the same port after every restart, unless a
	// test asks for port 0.
	Listen string
	// Address is where it listens.
	Address string
	// Data is its directory.
	Data string
	// Program is the binary, which must call Main; this test's by default.
	Program string
	// Environment is added to this process's.
	Environment []string

	Settings

	t       testing.TB
	command *exec.Cmd
}

// Launch prepares a venue over a seeded directory; Start starts it.
func Launch(t testing.TB, dir string) *Process {
	t.Helper()
	p := &Process{Listen: freeAddress(t), Data: dir, Settings: Settings{SnapshotEvery: 500}, t: t}
	p.Address = p.Listen
	t.Cleanup(p.Kill)
	return p
}

// freeAddress returns a loopback address that nothing listened on just now.
func freeAddress(t testing.TB) string {
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
	program := p.Program
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			p.t.Fatal(err)
		}
	}
	settings, err := json.Marshal(p.Settings)
	if err != nil {
		p.t.Fatal(err)
	}
	command := exec.Command(program) //nolint:noctx // It is killed by Kill, at the latest in the test's cleanup.
	command.Env = append(os.Environ(), p.Environment...)
	command.Env = append(command.Env, envData+"="+p.Data, envAddress+"="+p.Listen, envSettings+"="+string(settings))
	command.Stderr = os.Stderr
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
	_ = p.command.Process.Kill() // It may be gone already.
	_ = p.command.Wait()         // It was killed: that is its error.
	p.command = nil
}

// Stop ends the process as an operator does (SIGTERM). One that does not end prints its
// goroutines and is killed, which fails the test.
func (p *Process) Stop() {
	p.t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	overdue := Overdue(p.command)
	err := p.command.Wait()
	overdue.Stop()
	if err != nil {
		p.t.Fatalf("venue stopped with %v", err)
	}
	p.command = nil
}

// longestStop is what a process may take to end that was told to. A busy machine with
// the race detector needs a fraction of it, and a test's own limit is five times as far.
const longestStop = 2 * time.Minute

// Overdue has a process that was told to end print its goroutines (SIGQUIT, which ends
// a Go program) if it goes on for too long, so that a test that waits for it fails with
// the reason instead of hanging. The caller stops the timer when it has ended.
func Overdue(command *exec.Cmd) *time.Timer {
	return time.AfterFunc(longestStop, func() { _ = command.Process.Signal(syscall.SIGQUIT) }) // It may have ended just now.
}
