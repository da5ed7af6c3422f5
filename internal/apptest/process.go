package apptest

import (
	"bufio"
	"context"
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
	envSnapshot = "TODOKU_APPTEST_SNAPSHOT"
)

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
	if _, err := fmt.Sscan(os.Getenv(envSnapshot), &config.SnapshotEvery); err != nil {
		return err
	}
	s, err := server.New(ctx, config)
	if err != nil {
		return err
	}
	if _, err := fmt.Println(ready); err != nil {
		return errors.Join(err, s.Run(ctx))
	}
	return s.Run(ctx)
}

// ready is what a venue prints when its ports are open.
const ready = "listening"

// Process is a venue in a process of its own.
type Process struct {
	// Address is the gRPC port, the same after every restart.
	Address string
	// Data is its directory.
	Data string
	// SnapshotEvery is after how many records it writes a snapshot.
	SnapshotEvery uint64

	t       testing.TB
	command *exec.Cmd
}

// Launch prepares a venue over a seeded directory; Start starts it.
func Launch(t testing.TB, dir string) *Process {
	t.Helper()
	p := &Process{Address: freeAddress(t), Data: dir, SnapshotEvery: 500, t: t}
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
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	command := exec.Command(self) //nolint:noctx // It is killed by Kill, at the latest in the test's cleanup.
	command.Env = append(os.Environ(), envData+"="+p.Data, envAddress+"="+p.Address, fmt.Sprintf("%s=%d", envSnapshot, p.SnapshotEvery))
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.command = command
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != ready {
		p.t.Fatalf("venue did not start: %q, %v", line, err)
	}
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

// Stop ends the process as an operator does (SIGTERM) and returns how long it took.
func (p *Process) Stop() time.Duration {
	p.t.Helper()
	began := time.Now()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.command.Wait(); err != nil {
		p.t.Fatalf("venue stopped with %v", err)
	}
	p.command = nil
	return time.Since(began)
}
