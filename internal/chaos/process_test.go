package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"testing"
)

// A client in a process of its own is this test binary once more. It can be
// frozen, unlike a goroutine, and killed together with its memory.

// envClient makes a client of a process: its rawSpec in JSON.
const envClient = "TODOKU_CHAOS_CLIENT"

// clientMain makes a client of this process if it was started as one.
func clientMain() {
	text := os.Getenv(envClient)
	if text == "" {
		return
	}
	var spec rawSpec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	out := &lineWriter{encoder: json.NewEncoder(os.Stdout)}
	if err := runRaw(ctx, spec, nil, out.write); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// process is a client in a process of its own, and its output.
type process struct {
	t        testing.TB
	spec     rawSpec
	recorder *recorder

	mu      sync.Mutex // protects the fields below
	command *exec.Cmd
	done    chan struct{} // Closed when all that it wrote was read.
	frozen  int
}

// start starts the process where the one before left off.
func (p *process) start() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spec.Resume = p.recorder.at()
	p.spec.Stream += 1_000_000 // Of one life; the next has other numbers.
	spec, err := json.Marshal(p.spec)
	if err != nil {
		p.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	p.command = exec.Command(self) //nolint:noctx // It is killed by kill, at the latest in the test's cleanup.
	p.command.Env = append(os.Environ(), envClient+"="+string(spec))
	p.command.Stderr = os.Stderr
	out, err := p.command.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		p.t.Fatal(err)
	}
	done := make(chan struct{})
	p.done = done
	go func() {
		defer close(done)
		if err := readLines(out, p.recorder.take); err != nil {
			p.recorder.take(line{Kind: lineFault, Text: fmt.Sprintf("what it wrote cannot be read: %v", err)})
		}
	}()
}

// kill ends the process as a crash does. It may be called again.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.command == nil {
		return
	}
	_ = p.command.Process.Kill() // It may have ended already.
	<-p.done
	_ = p.command.Wait() // It was killed: that is its error.
	p.command, p.frozen = nil, 0
}

// freeze stops the process until the returned function is called. If freezes overlap, the
// process stays stopped until all have ended.
func (p *process) freeze() (thaw func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.command == nil {
		return func() {}
	}
	frozen := p.command
	p.frozen++
	_ = frozen.Process.Signal(syscall.SIGSTOP) // It may have ended already.
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.command != frozen {
			return // The process was killed.
		}
		if p.frozen--; p.frozen == 0 {
			_ = frozen.Process.Signal(syscall.SIGCONT)
		}
	})
}
