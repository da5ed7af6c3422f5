package doctor_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// What stands between a client and a venue, scaled down: boxes at the level of TCP
// written here, and the real HTTP proxies in throwaway processes.

// tcpBox passes on bytes between clients and a target.
type tcpBox struct {
	idle   time.Duration // no bytes for so long and …
	forget bool          // … nothing is passed on any more; otherwise both sides are closed.
	delay  time.Duration // of everything
}

// start listens until the test ends and returns where.
func (b tcpBox) start(t *testing.T, target string) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { b.serve(ctx, conn, target) })
		}
	})
	t.Cleanup(func() {
		stop()
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

func (b tcpBox) serve(ctx context.Context, near net.Conn, target string) {
	far, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
	if err != nil {
		_ = near.Close()
		return
	}
	end := sync.OnceFunc(func() { _, _ = near.Close(), far.Close() })
	defer context.AfterFunc(ctx, end)()
	var forgotten atomic.Bool
	if b.idle > 0 {
		timer := time.AfterFunc(b.idle, func() {
			if forgotten.Store(true); !b.forget {
				end()
			}
		})
		defer timer.Stop()
		near, far = watched{near, timer, b.idle, &forgotten}, watched{far, timer, b.idle, &forgotten}
	}
	var both sync.WaitGroup
	both.Go(func() { b.pass(ctx, near, far); end() })
	both.Go(func() { b.pass(ctx, far, near); end() })
	both.Wait()
}

// pass copies what comes, late by delay but not slower.
func (b tcpBox) pass(ctx context.Context, to, from net.Conn) {
	type piece struct {
		data []byte
		due  time.Time
	}
	pieces := make(chan piece, 1000)
	var writing sync.WaitGroup
	defer writing.Wait()
	defer close(pieces)
	writing.Go(func() {
		for p := range pieces {
			due := time.NewTimer(time.Until(p.due))
			select {
			case <-due.C:
			case <-ctx.Done():
			}
			due.Stop()
			_, _ = to.Write(p.data)
		}
	})
	for {
		data := make([]byte, 16<<10)
		n, err := from.Read(data)
		if err != nil {
			return
		}
		pieces <- piece{data[:n], time.Now().Add(b.delay)}
	}
}

// watched is a connection whose bytes keep a timer from being over.
type watched struct {
	net.Conn
	timer     *time.Timer
	idle      time.Duration
	forgotten *atomic.Bool
}

func (w watched) Read(p []byte) (int, error) {
	for {
		n, err := w.Conn.Read(p)
		if err != nil || !w.forgotten.Load() {
			w.timer.Reset(w.idle)
			return n, err
		}
	}
}

// program returns the path of a proxy, or skips the test where it is not installed.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	t.Skipf("%s is not installed (make deps installs it)", name)
	return ""
}

// serveProxy runs a proxy in the foreground until the test ends, and waits until
// it listens.
func serveProxy(t *testing.T, address, path string, args ...string) {
	t.Helper()
	var said strings.Builder
	command := exec.Command(path, args...) //nolint:noctx // It is stopped by the test's end.
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = command.Wait() // It is told to go: that is its error.
	}()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		<-done
	})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-done:
			t.Fatalf("%s did not start:\n%s", path, said.String())
		case <-tick.C:
		}
	}
}

// freeAddress returns a loopback address that nothing listened on just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // Nothing was written.
	return l.Addr().String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// nginx serves gRPC before a target with a stream timer of so many seconds.
func nginx(t *testing.T, target string, seconds int) string {
	t.Helper()
	path, address := program(t, "nginx"), freeAddress(t)
	dir := t.TempDir()
	serveProxy(t, address, path, "-p", dir, "-e", "stderr", "-c", write(t, "nginx.conf", fmt.Sprintf(`
daemon off;
master_process off;
pid %[1]s/pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen %[2]s http2;
		location / {
			grpc_pass grpc://%[3]s;
			grpc_read_timeout %[4]ds;
		}
	}
}`, dir, address, target, seconds)))
	return address
}

// haproxy serves gRPC before a target with a stream timer of so many seconds.
func haproxy(t *testing.T, target string, seconds int) string {
	t.Helper()
	path, address := program(t, "haproxy"), freeAddress(t)
	serveProxy(t, address, path, "-db", "-f", write(t, "haproxy.cfg", fmt.Sprintf(`
defaults
	mode http
	timeout connect 1s
	timeout client 60s
	timeout server %ds
listen venue
	bind %s proto h2
	server venue %s proto h2
`, seconds, address, target)))
	return address
}
