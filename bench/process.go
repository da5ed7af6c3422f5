package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"todoku/client"
)

// Waits for a venue of one's own.
const (
	startDeadline = 30 * time.Second
	startRetry    = 50 * time.Millisecond
	stopDeadline  = 30 * time.Second
	// logKept is how much of its log is shown when it fails.
	logKept = 4 << 10
)

// administrator is who prepares a venue of one's own.
const administrator = "bench-admin"

// Process is a venue in a process of its own, on loopback, over a directory that
// goes away with it.
type Process struct {
	// Venue is where it is.
	Venue client.Config
	// Admin is its administrator.
	Admin Credentials
	// PID is the process, for its CPU.
	PID int

	dir     string
	command *exec.Cmd
	log     *tail
	exited  chan struct{}
}

// StartProcess starts the binary as a fresh venue and waits until it takes
// sign-ins. arguments are added to those of "serve". The data lies in a new
// directory under parent, or under the system's one for temporary files when that
// is empty: it should be the disk that is to be measured. The caller must call
// [Process.Stop].
func StartProcess(ctx context.Context, binary, parent string, arguments ...string) (_ *Process, err error) {
	dir, err := os.MkdirTemp(parent, "todoku-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	p := &Process{dir: dir, log: &tail{}, exited: make(chan struct{}), Admin: Credentials{administrator, client.NewRequestID()}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Stop())
		}
	}()
	add := exec.CommandContext(ctx, binary, "user", "add", administrator, "--role", "ADMIN", "--data", dir) //nolint:gosec // The caller's own binary.
	add.Env = append(environment(), "TODOKU_NEW_PASSWORD="+p.Admin.Password)
	if out, err := add.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("bench: first administrator: %w: %s", err, out)
	}
	ports, err := freeAddresses(ctx)
	if err != nil {
		return nil, err
	}
	p.Venue = client.Config{Address: ports[0], Plaintext: true}
	all := append([]string{"serve", "--data", dir, "--grpc-addr", ports[0], "--http-addr", ports[1], "--log-level", "warn"}, arguments...)
	p.command = exec.Command(binary, all...) //nolint:gosec,noctx // The caller's own binary; Stop ends it, in good order.
	p.command.Env, p.command.Stdout, p.command.Stderr = environment(), p.log, p.log
	if err := p.command.Start(); err != nil {
		p.command = nil
		return nil, fmt.Errorf("bench: start the venue: %w", err)
	}
	p.PID = p.command.Process.Pid
	go func() {
		_ = p.command.Wait() // How it ended is in its log and its state.
		close(p.exited)
	}()
	return p, p.await(ctx)
}

// await signs in until that goes.
func (p *Process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	sleeper := newSleeper()
	defer sleeper.stop()
	for {
		all, err := signIn(ctx, p.Venue, []Credentials{p.Admin})
		if err == nil {
			all.close()
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("bench: the venue ended: %s", p.log.text())
		default:
		}
		if sleeper.until(ctx, time.Now().Add(startRetry)) != nil {
			return fmt.Errorf("bench: the venue does not answer: %w: %s", err, p.log.text())
		}
	}
}

// Stop ends the process as an operator does, kills it if that takes too long, and
// removes the directory.
func (p *Process) Stop() error {
	var err error
	if p.command != nil {
		_ = p.command.Process.Signal(syscall.SIGTERM) // It may have ended.
		timer := time.NewTimer(stopDeadline)
		defer timer.Stop()
		select {
		case <-p.exited:
		case <-timer.C:
			err = fmt.Errorf("bench: the venue did not stop within %s: %s", stopDeadline, p.log.text())
			_ = p.command.Process.Kill() // It may have ended.
			<-p.exited
		}
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

// environment is this process's without settings of todoku, which would decide
// what is measured.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TODOKU_") })
}

// freeAddresses returns two loopback addresses that nothing listened on just now.
func freeAddresses(ctx context.Context) (addresses [2]string, err error) {
	for i := range addresses {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return addresses, fmt.Errorf("bench: %w", err)
		}
		defer l.Close() //nolint:errcheck // Nothing was written.
		addresses[i] = l.Addr().String()
	}
	return addresses, nil
}
