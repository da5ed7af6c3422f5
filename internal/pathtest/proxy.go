package pathtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// Timers are those of a proxy, which knows whole seconds only, and where it is.
type Timers struct {
	// Listen is where it listens; a free port on loopback by default.
	Listen string
	// Idle is after which silence a stream is cut. 0: nginx's own default, 60 s, and
	// for HAProxy, which has none, what Debian's haproxy.cfg says, 50 s.
	Idle time.Duration
	// HardStop is how long streams may go on after a reload; 0 for ever.
	HardStop time.Duration
}

// Proxy is a proxy that runs in processes of its own until the test ends.
type Proxy struct {
	// Address is where it listens.
	Address string

	t       *testing.T
	command *exec.Cmd
	reload  syscall.Signal
	said    *output
	says    logLines
	done    chan struct{} // closed when it has gone
}

// logLines are what a master logs; empty where it logs nothing.
type logLines struct{ ready, reloading string }

// Nginx serves gRPC before a target.
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

// HAProxy serves gRPC before a target.
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
	if s.Listen != "" {
		return s.Listen
	}
	return FreeAddress(t)
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// Program returns the path of a program, or skips the test where it is not
// installed.
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

// run runs a proxy in the foreground until the test ends, and waits until its
// workers answer and its master has said that it is ready: a signal before that would
// be lost, or kill it.
func run(t *testing.T, address string, reload syscall.Signal, says logLines, path string, args ...string) *Proxy {
	t.Helper()
	said := &output{}
	p := &Proxy{Address: address, t: t, reload: reload, said: said, says: says, done: make(chan struct{})}
	p.command = exec.Command(path, args...) //nolint:noctx // It is stopped by the test's end.
	p.command.Stdout, p.command.Stderr = said, said
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Its workers go with it.
	p.command.WaitDelay = time.Second
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.command.Wait() // It is told to go: that is its error.
	}()
	t.Cleanup(p.stop)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s said:\n%s", path, said)
		}
	})
	patience := time.NewTimer(time.Minute)
	defer patience.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if strings.Contains(said.String(), says.ready) && answers(t.Context(), address) {
			return p
		}
		select {
		case <-p.done:
			t.Fatalf("%s did not start:\n%s", path, said)
		case <-patience.C:
			t.Fatalf("%s did not answer:\n%s", path, said)
		case <-tick.C:
		}
	}
}

// answers says whether somebody answers the beginning of HTTP/2 (RFC 9113, 3.4), be it
// with a complaint, or by hanging up as HAProxy does where TLS is spoken. A listening
// socket alone accepts before anybody is there, and says nothing.
func answers(ctx context.Context, address string) bool {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()                                //nolint:errcheck // Nothing of it is wanted any more.
	_ = conn.SetDeadline(time.Now().Add(time.Second)) // Without one, the test's own ends it.
	if _, err := conn.Write([]byte(http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00")); err != nil {
		return false
	}
	_, err = conn.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// stop ends the proxy as an operator does, so that it waits for its workers.
func (p *Proxy) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM) // It may be gone already.
	patience := time.NewTimer(10 * time.Second)
	defer patience.Stop()
	select {
	case <-p.done:
	case <-patience.C:
		p.Kill()
	}
}

// Kill ends the proxy and its workers at once (SIGKILL). It may be called again.
func (p *Proxy) Kill() {
	_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL) // They may be gone already.
	<-p.done
}

// Reload has the proxy read its configuration again, as an operator does after
// changing it: new workers take over, old ones keep their streams until the hard
// stop.
func (p *Proxy) Reload() {
	p.t.Helper()
	before := strings.Count(p.said.String(), p.says.reloading)
	// HAProxy's master loses a signal now and then that comes soon after its start.
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if err := p.command.Process.Signal(p.reload); err != nil {
			p.t.Fatal(err)
		}
		if p.says.reloading == "" {
			return
		}
		select {
		case <-tick.C:
		case <-p.done:
			p.t.Fatalf("the proxy has gone:\n%s", p.said)
		}
		if strings.Count(p.said.String(), p.says.reloading) > before {
			return
		}
	}
}

// FreeAddress returns a loopback address that nothing listened on just now.
func FreeAddress(t *testing.T) string {
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

// output is what a process said, read while it runs.
type output struct {
	mu   sync.Mutex // protects text
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
