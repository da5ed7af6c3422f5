package pathtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Loopback loses nothing: what a firewall, a NAT or a dead machine does to a
// connection can only be seen where packets travel. Network namespaces give a test
// hosts of its own, and routes, rules and links break the way between them, which
// needs no kernel module.

// Network is two hosts and a router between them:
//
//	client 192.0.2.2 ── router ── 198.51.100.2 venue
//	                       └───── a stranger, for [Network.Replace]
//
// The addresses are those of documentation (RFC 5737) and exist in the namespaces
// only.
type Network struct {
	Client, Venue *Host

	t      *testing.T
	ip     string
	router string // its namespace
}

// Host is a machine of a [Network].
type Host struct {
	// IP is its address.
	IP string

	namespace string
	mu        sync.Mutex // protects ports
	ports     []int      // of connections that Dial made
}

// Addresses of a Network.
const (
	clientIP   = "192.0.2.2"
	clientGate = "192.0.2.1"
	venueIP    = "198.51.100.2"
	venueGate  = "198.51.100.1"
	otherIP    = "203.0.113.2"
	otherGate  = "203.0.113.1"
)

// namespacePrefix begins the names of namespaces; the process that made one
// follows, so that those of a process that was killed can be told from others.
const namespacePrefix = "todoku-test-"

// NewNetwork makes a network that is gone with the test. Where the machine does not
// allow it, the test is skipped and the missing right named.
func NewNetwork(t *testing.T) *Network {
	t.Helper()
	n := &Network{t: t, ip: Program(t, "ip")}
	n.sweep()
	name := fmt.Sprintf("%s%d-%s-", namespacePrefix, os.Getpid(), rand.Text()[:8])
	n.router = name + "router"
	n.Client = &Host{IP: clientIP, namespace: name + "client"}
	n.Venue = &Host{IP: venueIP, namespace: name + "venue"}
	other := name + "other"
	for _, namespace := range []string{n.router, n.Client.namespace, n.Venue.namespace, other} {
		if out, err := exec.CommandContext(t.Context(), n.ip, "netns", "add", namespace).CombinedOutput(); err != nil {
			t.Skipf("network namespaces need the right to make them (CAP_SYS_ADMIN, CAP_NET_ADMIN; root outside of a container has it): %s", strings.TrimSpace(string(out)))
		}
		t.Cleanup(func() { n.delete(namespace) })
		n.in(namespace, "link", "set", "lo", "up")
	}
	n.connect(n.Client.namespace, clientIP, clientGate, "client")
	n.connect(n.Venue.namespace, venueIP, venueGate, "venue")
	n.connect(other, otherIP, otherGate, "other")
	n.in(other, "address", "add", venueIP+"/32", "dev", "lo")
	router := &Host{namespace: n.router}
	router.Do(t, func() {
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o600); err != nil {
			t.Skipf("a router in a network namespace needs a /proc/sys that can be written: %v", err)
		}
	})
	return n
}

// connect links a host to the router.
func (n *Network) connect(namespace, host, gate, name string) {
	n.t.Helper()
	n.run("link", "add", "uplink", "netns", namespace, "type", "veth", "peer", "name", name, "netns", n.router)
	n.in(namespace, "address", "add", host+"/30", "dev", "uplink")
	n.in(namespace, "link", "set", "uplink", "up")
	n.in(n.router, "address", "add", gate+"/30", "dev", name)
	n.in(n.router, "link", "set", name, "up")
	n.in(namespace, "route", "add", "default", "via", gate)
}

// sweep removes what a test process left that was killed.
func (n *Network) sweep() {
	left, err := filepath.Glob("/run/netns/" + namespacePrefix + "*")
	if err != nil {
		return
	}
	for _, path := range left {
		namespace := filepath.Base(path)
		process, _, _ := strings.Cut(strings.TrimPrefix(namespace, namespacePrefix), "-")
		if _, err := os.Stat("/proc/" + process); errors.Is(err, os.ErrNotExist) {
			n.delete(namespace)
		}
	}
}

func (n *Network) delete(namespace string) {
	_ = exec.Command(n.ip, "netns", "delete", namespace).Run() //nolint:noctx // In a cleanup, where the test's context has ended; another process may have swept it.
}

// run has ip do something, which must go well.
func (n *Network) run(args ...string) {
	n.t.Helper()
	if out, err := exec.CommandContext(n.t.Context(), n.ip, args...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func (n *Network) in(namespace string, args ...string) {
	n.t.Helper()
	n.run(append([]string{"-n", namespace}, args...)...)
}

// Drop has the router drop everything between both hosts without a word, in both
// directions.
func (n *Network) Drop() {
	n.t.Helper()
	n.in(n.router, "route", "add", "blackhole", clientIP+"/32")
	n.in(n.router, "route", "add", "blackhole", venueIP+"/32")
}

// Pass undoes [Network.Drop].
func (n *Network) Pass() {
	n.t.Helper()
	n.in(n.router, "route", "delete", "blackhole", clientIP+"/32")
	n.in(n.router, "route", "delete", "blackhole", venueIP+"/32")
}

// Forget has the router drop what belongs to connections that the client has made
// until now, as a firewall or a NAT does that lost its table. Others pass.
func (n *Network) Forget() {
	n.t.Helper()
	n.Client.mu.Lock()
	defer n.Client.mu.Unlock()
	for _, port := range n.Client.ports {
		n.in(n.router, "rule", "add", "pref", "10", "ipproto", "tcp", "sport", strconv.Itoa(port), "blackhole")
		n.in(n.router, "rule", "add", "pref", "10", "ipproto", "tcp", "dport", strconv.Itoa(port), "blackhole")
	}
	n.Client.ports = nil
}

// Replace has what goes to the venue arrive at another machine with its address,
// which knows nothing of its connections and answers with RST: a failover, or the
// venue's machine after a power cut.
func (n *Network) Replace() {
	n.t.Helper()
	n.in(n.router, "route", "add", venueIP+"/32", "via", otherIP)
}

// Restore undoes [Network.Replace].
func (n *Network) Restore() {
	n.t.Helper()
	n.in(n.router, "route", "delete", venueIP+"/32", "via", otherIP)
}

// Unplug takes the cable out of the venue's machine, and Plug puts it back in.
func (n *Network) Unplug() {
	n.t.Helper()
	n.in(n.router, "link", "set", "venue", "down")
}

// Plug undoes [Network.Unplug].
func (n *Network) Plug() {
	n.t.Helper()
	n.in(n.router, "link", "set", "venue", "up")
}

// Do runs f on the host: sockets that it opens and processes that it starts, itself
// and not by goroutines of its own, belong there for good.
func (h *Host) Do(t *testing.T, f func()) {
	t.Helper()
	if err := h.do(f); err != nil {
		t.Fatal(err)
	}
}

func (h *Host) do(f func()) error {
	away, err := os.Open("/run/netns/" + h.namespace)
	if err != nil {
		return err
	}
	defer away.Close() //nolint:errcheck // Nothing was written.
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer home.Close() //nolint:errcheck // Nothing was written.
	if err := unix.Setns(int(away.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter %s: %w", h.namespace, err)
	}
	defer func() {
		// A thread that could not come back stays locked, and ends with its goroutine.
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
	}()
	f()
	return nil
}

// Dial connects from the host to an IP address and port. It serves as a dialer of
// gRPC.
func (h *Host) Dial(ctx context.Context, address string) (conn net.Conn, err error) {
	if entered := h.do(func() { conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", address) }); entered != nil {
		return nil, entered
	}
	if err != nil {
		return nil, err
	}
	if local, ok := conn.LocalAddr().(*net.TCPAddr); ok {
		h.mu.Lock()
		h.ports = append(h.ports, local.Port)
		h.mu.Unlock()
	}
	return conn, nil
}
