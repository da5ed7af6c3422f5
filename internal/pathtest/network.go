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

// On loopback no packet is lost, so it does not show what a firewall, a NAT or a dead
// machine does to a connection. Network namespaces give a test hosts, and routes, rules
// and links break the path between them, without a kernel module.

// Network is two hosts and a router between them:
//
//	client 192.0.2.2 ── router ── 198.51.100.2 venue
//	                       └───── another machine, for [Network.Replace]
//
// The addresses are reserved for documentation (RFC 5737) and exist only in the
// namespaces.
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

// Each host has address 2 of its subnet, and the router has address 1.
const (
	clientNet = "192.0.2."
	venueNet  = "198.51.100."
	otherNet  = "203.0.113."

	clientIP = clientNet + "2"
	venueIP  = venueNet + "2"
)

// namespacePrefix begins the names of namespaces. The id of the process that made one
// follows, so that namespaces of a killed process can be found and deleted.
const namespacePrefix = "todoku-test-"

// NewNetwork makes a network that is deleted with the test. If the machine does not allow
// it, the test is skipped and the missing right is named.
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
	n.connect(n.Client.namespace, clientNet, "client")
	n.connect(n.Venue.namespace, venueNet, "venue")
	n.connect(other, otherNet, "other")
	n.in(other, "address", "add", venueIP+"/32", "dev", "lo")
	var err error
	(&Host{namespace: n.router}).Do(t, func() {
		err = os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o600)
	})
	if err != nil {
		t.Skipf("a router in a network namespace needs a /proc/sys that can be written: %v", err)
	}
	return n
}

// connect links a host to the router.
func (n *Network) connect(namespace, subnet, name string) {
	n.t.Helper()
	n.run("link", "add", "uplink", "netns", namespace, "type", "veth", "peer", "name", name, "netns", n.router)
	n.in(namespace, "address", "add", subnet+"2/30", "dev", "uplink")
	n.in(namespace, "link", "set", "uplink", "up")
	n.in(n.router, "address", "add", subnet+"1/30", "dev", name)
	n.in(n.router, "link", "set", name, "up")
	n.in(namespace, "route", "add", "default", "via", subnet+"1")
}

// sweep deletes the namespaces of test processes that were killed.
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
	_ = exec.Command(n.ip, "netns", "delete", namespace).Run() //nolint:noctx // In a cleanup the test's context has ended. Another process may have deleted it.
}

// run runs ip, which must succeed.
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

// Drop makes the router drop all packets between both hosts, in both directions, until
// pass is called.
func (n *Network) Drop() (pass func()) {
	n.t.Helper()
	return n.route([]string{"blackhole", clientIP + "/32"}, []string{"blackhole", venueIP + "/32"})
}

// Replace directs packets for the venue to another machine with the same address until
// restore is called. That machine does not know the connections and answers with RST, as
// after a failover or a power cut.
func (n *Network) Replace() (restore func()) {
	n.t.Helper()
	return n.route([]string{venueIP + "/32", "via", otherNet + "2"})
}

// route adds routes to the router until undo is called.
func (n *Network) route(routes ...[]string) (undo func()) {
	n.t.Helper()
	all := func(action string) {
		n.t.Helper()
		for _, route := range routes {
			n.in(n.router, append([]string{"route", action}, route...)...)
		}
	}
	all("add")
	return func() { all("delete") }
}

// Forget makes the router drop the packets of every connection that the client has made
// until now, as a firewall or a NAT does that lost its table. Others pass.
func (n *Network) Forget() {
	n.t.Helper()
	n.Client.mu.Lock()
	defer n.Client.mu.Unlock()
	for _, port := range n.Client.ports {
		for _, end := range []string{"sport", "dport"} {
			n.in(n.router, "rule", "add", "pref", "10", "ipproto", "tcp", end, strconv.Itoa(port), "blackhole")
		}
	}
	n.Client.ports = nil
}

// Unplug takes the cable out of the venue's machine until plug is called.
func (n *Network) Unplug() (plug func()) {
	n.t.Helper()
	n.in(n.router, "link", "set", "venue", "down")
	return func() { n.in(n.router, "link", "set", "venue", "up") }
}

// Do runs f on the host: sockets that f opens and processes that f starts, itself and not
// in another goroutine, stay on that host.
func (h *Host) Do(t *testing.T, f func()) {
	t.Helper()
	if err := h.do(f); err != nil {
		t.Fatal(err)
	}
	if t.Failed() {
		t.FailNow()
	}
}

func (h *Host) do(f func()) error {
	namespace, err := os.Open("/run/netns/" + h.namespace)
	if err != nil {
		return err
	}
	defer namespace.Close() //nolint:errcheck // Nothing was written.
	done := make(chan error, 1)
	go func() {
		defer close(done)      // Also if f fails the test.
		runtime.LockOSThread() // For good: the thread in the namespace ends with the goroutine.
		if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter %s: %w", h.namespace, err)
			return
		}
		f()
	}()
	return <-done
}

// Dial connects from the host to an IP address and port. It can be a dialer of gRPC.
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
