package main

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"todoku/cmd/todoku/cli"
	"todoku/internal/apptest"
)

// serveProcess runs "todoku serve" over dir in a process of its own and returns
// what it logs and where its gRPC port is.
func serveProcess(t *testing.T, dir string, args ...string) (p *watcher, logged *buffer, address string) {
	t.Helper()
	args = append([]string{"serve", "--data", dir, "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--log-format", "json"}, args...)
	p = newWorld(t).start(args...)
	logged, ok := p.command.Stderr.(*buffer)
	if !ok {
		t.Fatal("standard error is elsewhere")
	}
	await(t, logged, `"msg":"serving"`)
	for _, entry := range parseLines(t, logged.String()) {
		if grpc, ok := entry["grpc"].(string); ok {
			address = grpc
		}
	}
	return p, logged, address
}

func (p *watcher) signal(s os.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func TestServeStopsInOrderAtTheFirstSignal(t *testing.T) {
	t.Parallel()
	p, logged, _ := serveProcess(t, t.TempDir())
	if err := p.end(syscall.SIGTERM, func() {}); err != nil {
		t.Errorf("serve ended with %v: %s", err, logged)
	}
	for _, entry := range parseLines(t, logged.String()) {
		if entry["level"] == "ERROR" || entry["time"] == nil {
			t.Errorf("%v", entry)
		}
	}
}

// TestSIGHUPReloadsCertificates renews the certificate of a running venue, also with files
// that cannot be used.
func TestSIGHUPReloadsCertificates(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t, "before.test")
	p, logged, address := serveProcess(t, t.TempDir(), "--tls-cert", cert, "--tls-key", key)
	wantName := func(name string) {
		t.Helper()
		dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}}
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() //nolint:errcheck // Only the handshake is of interest.
		secure, ok := conn.(*tls.Conn)
		if !ok {
			t.Fatalf("a %T", conn)
		}
		if got := secure.ConnectionState().PeerCertificates[0].DNSNames; !slices.Equal(got, []string{name}) {
			t.Errorf("the certificate is for %q, want %s", got, name)
		}
	}
	replace := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	wantName("before.test")
	newCert, newKey := selfSigned(t, "after.test")
	replace(newKey, key)
	p.signal(syscall.SIGHUP)
	await(t, logged, "certificates not reloaded")
	wantName("before.test")
	replace(newCert, cert)
	p.signal(syscall.SIGHUP)
	await(t, logged, "certificates reloaded")
	wantName("after.test")
	if err := p.end(syscall.SIGTERM, func() {}); err != nil {
		t.Errorf("serve ended with %v: %s", err, logged)
	}
}

func TestServeStopsAtOnceAtTheSecondSignal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), nil); err != nil {
		t.Fatal(err)
	}
	p, logged, address := serveProcess(t, dir, "--drain", "10m")
	watching := as(t, address, "alice").start("watch", "--json")
	watching.until("the snapshot", func(line map[string]any) bool { return line["snapshot_end"] != nil })
	p.signal(syscall.SIGTERM)
	await(t, logged, `"msg":"stopping"`)
	p.signal(syscall.SIGTERM)
	timer := time.NewTimer(apptest.Patience) // Far less than the drain of ten minutes.
	defer timer.Stop()
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("serve ended with %v: %s", err, logged)
		}
	case <-timer.C:
		t.Errorf("the second signal changed nothing: %s", logged)
	}
}

func TestADemoVenueCanBeUsedAtOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "demo")
	serve := func(use func(*world)) {
		t.Helper()
		a, out, errs := newWorld(t).app()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan int, 1)
		go func() {
			done <- run(ctx, a, []string{"serve", "--demo", "--data", dir, "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"})
		}()
		await(t, errs, "demo traders trade")
		address := regexp.MustCompile(`TODOKU_SERVER=(\S+)`).FindStringSubmatch(out.String())
		if address == nil {
			t.Fatalf("no address in\n%s", out)
		}
		w := as(t, address[1], "alice")
		w.env["TODOKU_PASSWORD"] = "demo"
		use(w)
		stop()
		if code := <-done; code != cli.ExitDone {
			t.Errorf("exit code %d, %s", code, errs)
		}
	}
	serve(func(w *world) {
		contains(t, w.must("order", "place", "BUY", "10000", "USDJPY", "--type", "market"), "FILLED")
		contains(t, w.must("instrument", "list"), "NK225M", "AAPL", "USDJPY")
	})
	// What was traded is still there after a restart.
	serve(func(w *world) { contains(t, w.must("positions"), "USDJPY     10000") })
}

func TestAStopDuringAFirstStartIsNoFailure(t *testing.T) {
	t.Parallel()
	interrupted, stop := context.WithCancel(t.Context())
	stop()
	for _, demo := range []string{"--demo", "--demo=false"} {
		a, _, errs := newWorld(t).app()
		args := []string{"serve", demo, "--data", filepath.Join(t.TempDir(), "data"), "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"}
		if code := run(interrupted, a, args); code != cli.ExitDone || !strings.Contains(errs.String(), "stopped before it served") {
			t.Errorf("serve %s: exit code %d, %s", demo, code, errs)
		}
	}
}

func TestADemoLeavesOtherDataUntouched(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "journal.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := newWorld(t).run("serve", "--demo", "--data", dir)
	if code != cli.ExitUsage || !strings.Contains(errs, "does not belong to a demo") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(dir, "DEMO")); err == nil {
		t.Error("it was marked as a demo's")
	}
}

func TestTheFirstAdministratorIsMadeOffline(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t)
	w.env["TODOKU_NEW_PASSWORD"] = "chief-password-1"
	if code, _, errs := w.run("user", "add", "chief", "--role", "ADMIN", "--data", dir); code != cli.ExitFailed || !strings.Contains(errs, "choose another one") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	w.env["TODOKU_NEW_PASSWORD"] = "rain on a tin roof"
	contains(t, w.must("user", "add", "chief", "--role", "ADMIN", "--data", dir), "chief (chief), ADMIN")
	if code, _, errs := w.run("user", "add", "chief", "--data", dir); code != cli.ExitFailed || !strings.Contains(errs, "ALREADY_EXISTS") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if code, _, errs := w.run("user", "passwd", "nobody", "--data", dir); code != cli.ExitFailed || !strings.Contains(errs, "UNKNOWN_USER") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	w.env["TODOKU_NEW_PASSWORD"] = apptest.Password
	w.must("user", "passwd", "chief", "--data", dir)

	running := apptest.Serve(t, apptest.Config(dir))
	contains(t, as(t, running.GRPCAddr().String(), "chief").must("user", "list"), "chief")
	if code, _, errs := w.run("user", "add", "other", "--data", dir); code != cli.ExitFailed || !strings.Contains(errs, "in use") {
		t.Errorf("while a server runs: exit code %d, %s", code, errs)
	}
}

func TestConfigCheckShowsTheSettingsOfAServer(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	w.env["TODOKU_DATA"], w.env["TODOKU_DRIAN"] = dir, "3s"
	code, out, errs := w.run("config", "check", "--config", writeFile(t, "heartbeat: 2s\n"), "--day-end", "21:00")
	if code != cli.ExitDone {
		t.Errorf("exit code %d", code)
	}
	contains(t, out, "heartbeat  2s", "todoku.yaml:1", "TODOKU_DATA", "--day-end", "holds no venue yet", "the settings agree")
	contains(t, errs, "TODOKU_DRIAN sets nothing")
	if code, _, errs := newWorld(t).run("config", "check", "--heartbeat", "30s"); code != cli.ExitUsage {
		t.Errorf("heartbeats that no client can acknowledge in time: exit code %d, %s", code, errs)
	}
	cert := writeFile(t, "no certificate")
	if code, _, errs := newWorld(t).run("config", "check", "--tls-cert", cert, "--tls-key", cert); code != cli.ExitUsage {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
