//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"todoku/internal/apptest"
)

// A log pipe whose reader stops, or exits, has been the end of many a service: Docker's log
// drivers, logger(1) and "| tee" all do it.

// servePiped runs "todoku serve" with one pipe for both outputs, and returns the pipe's ends
// when the venue serves.
func servePiped(t *testing.T, args ...string) (p *watcher, address string, r, w *os.File) {
	t.Helper()
	dir := t.TempDir()
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), nil); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() }) // A test may have closed them.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	address = apptest.FreeAddress(t)
	args = append([]string{"serve", "--data", dir, "--grpc-addr", address, "--http-addr", "127.0.0.1:0", "--drain", "2s"}, args...)
	command := exec.Command(self, args...) //nolint:noctx // It is killed in the cleanup.
	command.Env = append(os.Environ(), envMain+"=1")
	command.Stdout, command.Stderr = w, w
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p = &watcher{t: t, command: command, ended: make(chan error, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.ended <- command.Wait()
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill() // It may have ended already.
		<-ended
	})
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if strings.Contains(lines.Text(), `"msg":"serving"`) {
			return p, address, r, w
		}
	}
	t.Fatal("the venue ended before it served")
	return nil, "", nil, nil
}

// fill writes to a pipe until it takes no more.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	fd := int(w.Fd())
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	defer syscall.SetNonblock(fd, false) //nolint:errcheck // The pipe is the venue's again.
	for size := 4096; size > 0; {
		switch _, err := syscall.Write(fd, []byte(strings.Repeat("\n", size))); {
		case errors.Is(err, syscall.EAGAIN):
			size /= 2 // A write of few bytes is taken whole or not at all.
		case err != nil && !errors.Is(err, syscall.EINTR):
			t.Fatal(err)
		}
	}
}

// serves checks that a user can open a stream, and that the venue then stops in order.
func (p *watcher) serves(address string) {
	p.t.Helper()
	watching := as(p.t, address, "alice").start("watch", "--json")
	watching.until("the snapshot", func(line map[string]any) bool { return line["snapshot_end"] != nil })
	watching.interrupt()
	p.signal(syscall.SIGTERM)
	timer := time.NewTimer(apptest.Patience)
	defer timer.Stop()
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Errorf("serve ended with %v", err)
		}
	case <-timer.C:
		p.t.Error("SIGTERM changed nothing")
	}
}

func TestAVenueServesAndStopsWhileNobodyReadsItsLog(t *testing.T) {
	t.Parallel()
	p, address, _, w := servePiped(t)
	fill(t, w)
	p.serves(address)
}

func TestAVenueServesAndStopsInOrderAfterTheReaderOfItsLogExited(t *testing.T) {
	t.Parallel()
	p, address, r, w := servePiped(t)
	if err := errors.Join(r.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	p.serves(address)
}

// The welcome of a demo is its only text on standard output.
func TestADemoStartsWhileNobodyReadsItsOutput(t *testing.T) {
	t.Parallel()
	address := apptest.FreeAddress(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	fill(t, w)
	a, _, errs := newWorld(t).app()
	a.Out = w
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, a, []string{"serve", "--demo", "--data", t.TempDir() + "/demo", "--grpc-addr", address, "--http-addr", "127.0.0.1:0"})
	}()
	await(t, errs, "demo traders trade")
	stop()
	if code := <-done; code != 0 {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
