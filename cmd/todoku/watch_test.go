package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"todoku/client"
	"todoku/cmd/todoku/cli"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// watcher is "todoku watch --json" in a process of its own.
type watcher struct {
	t       *testing.T
	command *exec.Cmd
	lines   chan map[string]any
	ended   chan error // Holds how it ended.
}

// start runs todoku with args in a process of its own.
func (w *world) start(args ...string) *watcher {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	command := exec.Command(self, args...) //nolint:noctx // It is ended by stop, at the latest in the test's cleanup.
	command.Env = append(os.Environ(), envMain+"=1", "XDG_CONFIG_HOME="+w.home)
	for name, value := range w.env {
		command.Env = append(command.Env, name+"="+value)
	}
	command.Stderr = &buffer{}
	out, err := command.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	command.WaitDelay = time.Second
	if err := command.Start(); err != nil {
		w.t.Fatal(err)
	}
	p := &watcher{t: w.t, command: command, lines: make(chan map[string]any, 10_000), ended: make(chan error, 1)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(p.lines)
		defer func() { p.ended <- command.Wait() }() // Also where a line cannot be read.
		scanner := bufio.NewScanner(out)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			for _, object := range parseLines(p.t, scanner.Text()+"\n") {
				p.lines <- object
			}
		}
	}()
	w.t.Cleanup(func() {
		_ = command.Process.Kill() // It may have ended already.
		for range p.lines {        // The reader must not block.
		}
		<-read
	})
	return p
}

// until reads lines until one holds, and returns those before it.
func (p *watcher) until(what string, holds func(map[string]any) bool) (lines []map[string]any) {
	p.t.Helper()
	timer := time.NewTimer(apptest.Patience)
	defer timer.Stop()
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("ended before %s: %s", what, p.command.Stderr)
			}
			lines = append(lines, line)
			if holds(line) {
				return lines
			}
		case <-timer.C:
			p.t.Fatalf("%s did not come: %s", what, p.command.Stderr)
		}
	}
}

// interrupt ends the process as Ctrl-C does, and returns the lines that were left.
func (p *watcher) interrupt() (lines []map[string]any) {
	p.t.Helper()
	err := p.end(os.Interrupt, func() {
		for line := range p.lines {
			lines = append(lines, line)
		}
	})
	if err != nil {
		p.t.Fatalf("an interrupted watch ended with %v: %s", err, p.command.Stderr)
	}
	return lines
}

// end sends the process a signal that ends it, runs meanwhile, and returns how the process
// ended.
func (p *watcher) end(s os.Signal, meanwhile func()) error {
	p.t.Helper()
	p.signal(s)
	overdue := apptest.Overdue(p.command)
	defer overdue.Stop()
	meanwhile()
	return <-p.ended
}

// eventsOf returns the names of the events among printed lines.
func eventsOf(lines []map[string]any) (events []string) {
	for _, line := range lines {
		for _, kind := range []string{"execution_report", "trade", "announcement"} {
			if line[kind] != nil {
				index := line["index"]
				if index == nil {
					index = 0
				}
				events = append(events, fmt.Sprintf("%v.%v %s", line["sequence"], index, kind))
			}
		}
	}
	return events
}

// isReportOf says whether a line reports on an order by the client's name.
func isReportOf(id string) func(map[string]any) bool {
	return func(line map[string]any) bool {
		report, _ := line["execution_report"].(map[string]any)
		return report != nil && report["request_id"] == id
	}
}

// TestWatchPrintsEachEventOnceAcrossRestarts kills and stops the venue, and the
// watch itself, while orders are placed.
func TestWatchPrintsEachEventOnceAcrossRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	process := apptest.Launch(t, dir)
	process.Start()
	w := as(t, process.Address, "alice")
	cursor := filepath.Join(t.TempDir(), "cursor")
	watch := func() *watcher { return w.start("watch", "--json", "--resume-file", cursor) }

	p := watch()
	// The books may travel with the snapshot's end; the cursor stands on the last.
	complete := false
	lines := p.until("a cursor after the snapshot's end", func(line map[string]any) bool {
		complete = complete || line["snapshot_end"] != nil
		return complete && line["cursor"] != nil
	})
	alice := apptest.Client(t, process.Address, "alice")
	placed := 0
	place := func(n int) string {
		id := ""
		for range n {
			placed++
			id = fmt.Sprintf("order-%d", placed)
			request := apptest.Limit(id, "USDJPY", todokuv1.Side_SIDE_BUY, "1", "100")
			for {
				_, err := alice.Orders().PlaceOrder(t.Context(), request)
				if err == nil {
					break
				}
				if !client.Unreachable(err) {
					t.Fatal(err)
				}
			}
		}
		return id
	}
	lines = append(lines, p.until("the first orders", isReportOf(place(10)))...)

	process.Kill()
	process.Start()
	lines = append(lines, p.until("orders after a kill", isReportOf(place(10)))...)
	process.Stop()
	process.Start()
	lines = append(lines, p.until("orders after a stop", isReportOf(place(10)))...)

	lines = append(lines, p.interrupt()...)
	last := place(10) // While no watch runs.
	process.Stop()
	process.Start()
	p = watch()
	lines = append(lines, p.until("orders from before the watch began anew", isReportOf(last))...)
	lines = append(lines, p.interrupt()...)

	events := eventsOf(lines)
	sorted := slices.Clone(events)
	slices.Sort(sorted)
	if compact := slices.Compact(sorted); len(compact) != len(events) || len(events) != placed {
		t.Errorf("%d events printed, %d of them different, of %d orders", len(events), len(compact), placed)
	}
	kept, err := os.ReadFile(cursor)
	if err != nil || !strings.Contains(string(kept), ":") {
		t.Errorf("cursor %q, %v", kept, err)
	}
}

func TestWatchDescribesEachMessageInOneLine(t *testing.T) {
	running := apptest.Start(t)
	address := running.GRPCAddr().String()
	w := as(t, address, "alice")
	a, out, errs := w.app()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() { done <- run(ctx, a, []string{"watch", "--instrument", "usdjpy"}) }()
	await(t, out, "SNAPSHOT")
	w.must("order", "place", "BUY", "10", "USDJPY", "@", "151.25")
	as(t, address, "bob").must("order", "place", "SELL", "10", "USDJPY", "@", "151.25")
	as(t, address, "admin").must("announce", "two\nlines")
	await(t, out, "two lines")
	await(t, out, "TRADE_PRINT")
	stop()
	if code := <-done; code != cli.ExitDone {
		t.Errorf("exit code %d, %s", code, errs)
	}
	contains(t, out.String(),
		"TRADE_SUCCEEDS   bought 10 USDJPY @ 151.25 (trade 1, order 1, alice)",
		"ORDER_NEW        order 1 (alice) BUY 10 USDJPY @ 151.25, 0 filled, 10 left: NEW",
		"ORDER_FILL       10 @ 151.25 of order 1",
		"POSITION         alice 10 of USDJPY, cost 1512.5",
		"ANNOUNCEMENT     ", ": two lines",
		"TRADE_PRINT      10 USDJPY @ 151.25, taken by a seller")
	contains(t, errs.String(), "live")
	if strings.Contains(out.String(), "UNKNOWN") || strings.Contains(out.String(), "Test bob") {
		t.Errorf("said too much or too little:\n%s", out)
	}
}

// await waits until a running command has printed something.
func await(t *testing.T, out *buffer, text string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(apptest.Patience)
	defer deadline.Stop()
	for !strings.Contains(out.String(), text) {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%q did not come:\n%s", text, out)
		}
	}
}

func TestAWatchedBookFollowsTheBook(t *testing.T) {
	running := apptest.Start(t)
	w := as(t, running.GRPCAddr().String(), "alice")
	w.must("order", "place", "BUY", "10", "USDJPY", "@", "151")
	a, out, errs := w.app()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() { done <- run(ctx, a, []string{"book", "usdjpy", "--watch"}) }()
	await(t, out, "USDJPY bid 10 @ 151, offer -")
	w.must("order", "place", "SELL", "5", "USDJPY", "@", "152")
	await(t, out, "USDJPY bid 10 @ 151, offer 5 @ 152")
	w.must("order", "cancel", "1")
	await(t, out, "USDJPY bid -, offer 5 @ 152")
	stop()
	if code := <-done; code != cli.ExitDone {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

func TestWatchSignsInAgainWhenItsSessionEnds(t *testing.T) {
	running := apptest.Start(t)
	address := running.GRPCAddr().String()
	w := as(t, address, "alice")
	a, out, errs := w.app()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() { done <- run(ctx, a, []string{"watch", "--json"}) }()
	await(t, out, "snapshot_end")
	admin := as(t, address, "admin")
	admin.env["TODOKU_NEW_PASSWORD"] = apptest.Password
	admin.must("user", "passwd", "alice") // Ends her sessions.
	admin.must("announce", "after the end")
	await(t, out, "after the end")
	stop()
	if code := <-done; code != cli.ExitDone {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if n := strings.Count(out.String(), "snapshot_end"); n != 1 {
		t.Errorf("%d snapshots: it did not resume", n)
	}
}
