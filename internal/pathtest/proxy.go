package pathtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"todoku/internal/apptest"
)

// Timers are the address and the timers of a proxy, which count whole seconds.
type Timers struct {
	// Listen is where the proxy listens; a free port on loopback by default.
	Listen string
	// Idle is the time of silence after which a stream is cut. 0 means 60 s, nginx's own
	// default, or 50 s, which Debian's haproxy.cfg sets because HAProxy has no default.
	Idle time.Duration
	// HardStop is how long streams may live after a reload; 0 for no limit.
	HardStop time.Duration
}

// Proxy is a proxy that runs in processes of its own until the test ends.
type Proxy struct {
	// Address is where it listens.
	Address string

	t       *testing.T
	command *exec.Cmd
	reload  syscall.Signal
	log     string // the file of its output
	says    logLines
	done    chan struct{} // closed when it has ended
}

// logLines are what a master process logs; empty if it logs nothing.
type logLines struct{ ready, reloading string }

// Nginx runs nginx as a proxy of gRPC for a target.
func Nginx(t *testing.T, target string, timers Timers) *Proxy {
	t.Helper()
	dir, address := t.TempDir(), timers.address(t)
	stop, idle := "", ""
	if timers.HardStop > 0 {
		stop = fmt.Sprintf("worker_shutdown_timeout %ds;", seconds(timers.HardStop))
	}
	if timers.Idle > 0 {
		idle = fmt.Sprintf("grpc_read_timeout %ds;", seconds(timers.Idle))
	}
	return RunNginx(t, address, fmt.Sprintf(`
worker_processes 1;
pid %[1]s/pid;
%[4]s
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
			%[5]s
		}
	}
}`, dir, address, target, stop, idle))
}

// RunNginx runs nginx with a configuration that listens at an address.
func RunNginx(t *testing.T, address, configuration string) *Proxy {
	t.Helper()
	path := Program(t, "nginx")
	return run(t, address, syscall.SIGHUP, logLines{}, path, "-p", t.TempDir(), "-e", "stderr", "-g", "daemon off;", "-c", write(t, "nginx.conf", configuration))
}

// HAProxy runs HAProxy as a proxy of gRPC for a target.
func HAProxy(t *testing.T, target string, timers Timers) *Proxy {
	t.Helper()
	address, stop, idle := timers.address(t), "", 50*time.Second
	if timers.HardStop > 0 {
		stop = fmt.Sprintf("hard-stop-after %ds", seconds(timers.HardStop))
	}
	client := idle
	if timers.Idle > 0 {
		client, idle = time.Minute, timers.Idle
	}
	return RunHAProxy(t, address, fmt.Sprintf(`
global
	%s
defaults
	mode http
	timeout connect 5s
	timeout client %ds
	timeout server %ds
listen venue
	bind %s proto h2
	server venue %s proto h2
`, stop, seconds(client), seconds(idle), address, target))
}

// RunHAProxy runs HAProxy with a configuration that listens at an address.
func RunHAProxy(t *testing.T, address, configuration string) *Proxy {
	t.Helper()
	path := Program(t, "haproxy")
	return run(t, address, syscall.SIGUSR2, logLines{ready: "Loading success", reloading: "Reloading HAProxy"}, path, "-W", "-db", "-f", write(t, "haproxy.cfg", configuration))
}

func (s Timers) address(t *testing.T) string {
	t.Helper()
	return cmp.Or(s.Listen, apptest.FreeAddress(t))
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// Program returns the path of a program. It skips the test if it is not installed.
func Program(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin", "/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	t.Skipf("%s is not installed (make deps installs it)", name)
	return ""
}

// run runs a proxy in the foreground until the test ends. It waits until the workers
// answer and the master has logged that it is ready: an earlier signal would be lost, or
// kill it.
func run(t *testing.T, address string, reload syscall.Signal, says logLines, path string, args ...string) *Proxy {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // The proxy writes it, not this process.
	p := &Proxy{Address: address, t: t, reload: reload, log: log.Name(), says: says, done: make(chan struct{})}
	p.command = exec.Command(path, args...) //nolint:noctx // It is stopped by the test's end.
	p.command.Stdout, p.command.Stderr = log, log
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Kill must reach its workers too.
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.command.Wait() // A signal ends it, which is its error.
	}()
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s logged:\n%s", path, p.logged())
		}
	})
	patience := time.After(time.Minute)
	for !strings.Contains(p.logged(), says.ready) || !answers(t.Context(), address) {
		select {
		case <-p.done:
			t.Fatalf("%s did not start", path)
		case <-patience:
			t.Fatalf("%s did not answer", path)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return p
}

func (p *Proxy) logged() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Error(err)
	}
	return string(text)
}

// answers reports whether something replies to the beginning of HTTP/2 (RFC 9113, 3.4),
// if only with an error, or with a close as HAProxy does on a TLS port. A successful
// connect proves nothing: the kernel accepts before a worker runs.
func answers(ctx context.Context, address string) bool {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close() //nolint:errcheck // The reply does not matter.
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := conn.Write([]byte(http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00")); err != nil {
		return false
	}
	_, err = conn.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// stop ends the proxy as an operator does, so that it waits for its workers.
func (p *Proxy) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM) // It may have ended already.
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		p.Kill()
	}
}

// Kill ends the proxy and its workers at once (SIGKILL). It may be called again.
func (p *Proxy) Kill() {
	_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL) // They may have ended already.
	<-p.done
}

// Reload makes the proxy read its configuration again, as an operator does after a
// change: new workers take over, and the old ones keep their streams until the hard stop.
func (p *Proxy) Reload() {
	p.t.Helper()
	before := strings.Count(p.logged(), p.says.reloading)
	// HAProxy's master sometimes loses a signal that comes soon after its start.
	for {
		if err := p.command.Process.Signal(p.reload); err != nil {
			p.t.Fatal(err)
		}
		if p.says.reloading == "" {
			return
		}
		select {
		case <-time.After(time.Second):
		case <-p.done:
			p.t.Fatal("the proxy has ended")
		}
		if strings.Count(p.logged(), p.says.reloading) > before {
			return
		}
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
