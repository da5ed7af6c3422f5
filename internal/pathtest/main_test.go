package pathtest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"todoku/client"
	"todoku/internal/apptest"
)

// envClient makes this test binary a client of the venue at an address: one that
// can be frozen.
const envClient = "TODOKU_PATHTEST_CLIENT"

func TestMain(m *testing.M) {
	apptest.Main()
	if address := os.Getenv(envClient); address != "" {
		if err := followInProcess(address); err != nil {
			fmt.Fprintln(os.Stderr, "client:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// followInProcess prints the states of carol's feed and the announcements to her.
func followInProcess(address string) error {
	c, err := client.Dial(client.Config{Address: address, Plaintext: true})
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // The process ends.
	ctx := context.Background()
	if err := c.Login(ctx, "carol", apptest.Password); err != nil {
		return err
	}
	options := client.FeedOptions{OnStatus: func(s client.Status) { fmt.Println(s.State) }}
	for update, err := range c.Feed(ctx, options) {
		if err != nil {
			return err
		}
		if a := update.Message.GetAnnouncement(); a != nil {
			fmt.Println("said", a.GetText())
		}
	}
	return nil
}

// process is a client in a process of its own.
type process struct {
	t       *testing.T
	command *exec.Cmd
	lines   chan string
}

// startClient starts one that is killed with the test.
func startClient(t *testing.T, address string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self) //nolint:noctx // It is killed in the test's cleanup.
	p := &process{t: t, command: command, lines: make(chan string, 100)}
	p.command.Env = append(os.Environ(), envClient+"="+address)
	p.command.Stderr = os.Stderr
	out, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(p.lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			p.lines <- scan.Text()
		}
	}()
	t.Cleanup(func() {
		_ = p.command.Process.Kill() // It may have ended already.
		for range p.lines {          // The reader must not block.
		}
		<-done
		_ = p.command.Wait() // The kill is its error.
	})
	return p
}

// await reads to a line and returns those before it.
func (p *process) await(line string) (before []string) {
	p.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case got := <-p.lines:
			if got == line {
				return before
			}
			before = append(before, got)
		case <-timer.C:
			p.t.Fatalf("the client did not print %q within %s, but %s", line, patience, strings.Join(before, ", "))
		}
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}
