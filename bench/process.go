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

	"google.golang.org/grpc/health/grpc_health_v1"

	"todoku/client"
)

const (
	startDeadline = 30 * time.Second
	startRetry    = 50 * time.Millisecond
	stopDeadline  = 30 * time.Second
	// logKept is how many bytes of a server's log are shown when it fails.
	logKept = 4 << 10
)

// administrator prepares servers that a benchmark starts.
const administrator = "bench-admin"

// Target is a server to measure.
type Target struct {
	// Name is what results call it.
	Name  string
	Venue client.Config
	// Admin makes the users and instruments of a benchmark.
	Admin Credentials
	// PID is the server's process on this machine, whose CPU and memory are measured; 0
	// to leave that out.
	PID int

	// own can be started anew between the parts of a benchmark; nil where that would
	// lose what the benchmark prepared.
	own *Process
}

// The names of targets.
const (
	todoku       = "todoku"
	yardstickOwn = "yardstick"
)

// NamedVenue is a venue that runs already.
func NamedVenue(venue client.Config, admin Credentials, pid int) Target {
	return Target{Name: todoku, Venue: venue, Admin: admin, PID: pid}
}

// Process is a server in a process of its own, on loopback, over a directory that is
// deleted when it stops.
type Process struct {
	Target

	dir       string // "" without data
	binary    string
	arguments []string
	command   *exec.Cmd
	log       *tail
	exited    chan struct{} // closed when command has ended
}

// StartProcess starts the binary as a fresh venue and waits until it serves. arguments
// are added to those of "serve". The data lies in a new directory under parent, which
// should be on the disk to measure, or under the system's directory for temporary files
// when parent is empty. The caller must call [Process.Stop].
func StartProcess(ctx context.Context, binary, parent string, arguments ...string) (_ *Process, err error) {
	dir, err := os.MkdirTemp(parent, "todoku-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	p := &Process{dir: dir, binary: binary, log: &tail{}}
	p.Target = Target{Name: todoku, Admin: Credentials{administrator, client.NewRequestID()}, own: p}
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
	p.arguments = slices.Concat([]string{"serve", "--data", dir, "--grpc-addr", ports[0], "--http-addr", ports[1], "--log-level", "warn"}, unlimited(), arguments)
	return p, p.start(ctx)
}

// unlimited are the settings of a venue whose clients are all on one machine and acknowledge
// only every ten seconds, much at a time.
func unlimited() []string {
	return []string{
		"--streams-per-address=-1", "--connections-per-address=-1", "--address-attach-rate=off", "--address-sign-in-rate=off", "--address-refusal-rate=off",
		"--calls-per-user=-1", "--unacked-bytes=-1",
	}
}

// StartYardstick starts the server of the usual kind that ships with the binary, for
// comparison. The caller must call [Process.Stop].
func StartYardstick(ctx context.Context, binary string) (*Process, error) {
	ports, err := freeAddresses(ctx)
	if err != nil {
		return nil, err
	}
	p := &Process{
		Target: Target{Name: yardstickOwn, Venue: client.Config{Address: ports[0], Plaintext: true}, Admin: Credentials{administrator, "any"}},
		binary: binary, arguments: []string{"bench", "yardstick-server", "--grpc-addr", ports[0]}, log: &tail{},
	}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// restart ends the process and starts it again over the same data and at the same
// address: sessions and connections are as before, memory is not.
func (p *Process) restart(ctx context.Context, environment ...string) error {
	if err := p.end(); err != nil {
		return err
	}
	return p.start(ctx, environment...)
}

// start starts the process, with additions to its environment, and waits until it serves.
func (p *Process) start(ctx context.Context, added ...string) error {
	command := exec.Command(p.binary, p.arguments...) //nolint:gosec,noctx // The caller's own binary; Stop ends it with SIGTERM.
	command.Env, command.Stdout, command.Stderr = append(environment(), added...), p.log, p.log
	if err := command.Start(); err != nil {
		return fmt.Errorf("bench: start the server: %w", err)
	}
	exited := make(chan struct{})
	p.command, p.exited, p.PID = command, exited, command.Process.Pid
	go func() {
		_ = command.Wait() // The log says how it ended.
		close(exited)
	}()
	return p.await(ctx)
}

// await asks for the server's health until it serves.
func (p *Process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	conn, err := dial(p.Venue)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // Nothing is under way any more.
	health := grpc_health_v1.NewHealthClient(conn)
	for {
		reply, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
		if reply.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("bench: the server ended: %s", p.log.text())
		default:
		}
		if new(sleeper).until(ctx, time.Now().Add(startRetry)) != nil {
			return fmt.Errorf("bench: the server does not answer: %w: %s", err, p.log.text())
		}
	}
}

// Stop ends the process as an operator does, kills it after a deadline, and deletes the
// directory.
func (p *Process) Stop() error {
	err := p.end()
	if p.dir != "" {
		err = errors.Join(err, os.RemoveAll(p.dir))
	}
	return err
}

func (p *Process) end() error {
	if p.command == nil {
		return nil
	}
	_ = p.command.Process.Signal(syscall.SIGTERM) // It may have ended.
	if waitFor(context.Background(), p.exited, stopDeadline) == nil {
		return nil
	}
	_ = p.command.Process.Kill() // It may have ended.
	<-p.exited
	return fmt.Errorf("bench: the server did not stop within %s: %s", stopDeadline, p.log.text())
}

// environment is this process's without settings of todoku, which would change what is
// measured.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TODOKU_") })
}

// freeAddresses returns two loopback addresses without a listener.
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
