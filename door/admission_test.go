package door

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/peer"
)

// fakePort accepts the connections that a test makes.
type fakePort struct{ conns chan net.Conn }

func (p *fakePort) Accept() (net.Conn, error) { return <-p.conns, nil }
func (p *fakePort) Close() error              { return nil }
func (p *fakePort) Addr() net.Addr            { return &net.TCPAddr{} }

// remoteConn is a side of a pipe with an address.
type remoteConn struct {
	net.Conn
	remote net.Addr
}

func (c remoteConn) RemoteAddr() net.Addr { return c.remote }

// admissionTest is a limiter with a port.
type admissionTest struct {
	t       *testing.T
	limiter *Limiter
	port    *fakePort
	listen  *limited
}

func newAdmissionTest(t *testing.T, timed bool) *admissionTest {
	t.Helper()
	a := &admissionTest{t: t, limiter: newTestLimiter(-1, -1), port: &fakePort{make(chan net.Conn, 1)}}
	a.listen = a.limiter.listen(a.port, "", 0)
	a.listen.timed = timed
	return a
}

// connect returns the context of a call over a new connection from an address.
func (a *admissionTest) connect(from string) (call context.Context, c *conn) {
	a.t.Helper()
	client, served := net.Pipe()
	a.t.Cleanup(func() { _ = client.Close() }) // The other side may have closed it.
	a.port.conns <- remoteConn{served, &net.TCPAddr{IP: net.ParseIP(from), Port: 1}}
	accepted, err := a.listen.Accept()
	if err != nil {
		a.t.Fatal(err)
	}
	c, ok := accepted.(*conn)
	if !ok {
		a.t.Fatalf("a %T was accepted", accepted)
	}
	a.t.Cleanup(func() { _ = c.Close() }) // The same.
	return peer.NewContext(a.t.Context(), &peer.Peer{Addr: c.RemoteAddr()}), c
}

func (a *admissionTest) wantOpen(want int, when string) {
	a.t.Helper()
	synctest.Wait()
	if open, _ := a.limiter.Counts(); open != want {
		a.t.Errorf("%s: %d connections are open, want %d", when, open, want)
	}
}

func TestAConnectionWithoutAnAdmittedCallIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmissionTest(t, true)
		a.connect("192.0.2.1")
		user, _ := a.connect("192.0.2.1")
		_, gone := a.connect("192.0.2.2")
		time.Sleep(DefaultAdmission - time.Second)
		Admitted(user)
		a.wantOpen(3, "before the time is over")
		if err := gone.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		a.wantOpen(1, "after it")
		time.Sleep(24 * time.Hour)
		a.wantOpen(1, "a day after the only call")
		if n := a.limiter.Unadmitted(); n != 1 {
			t.Errorf("%d connections are counted as closed", n)
		}
	})
}

func TestAConnectionForHealthChecksIsKeptWhileItIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmissionTest(t, true)
		checking, _ := a.connect("192.0.2.1")
		watching, _ := a.connect("192.0.2.1")
		leave, ok := PublicStream(watching, true)
		if !ok {
			t.Fatal("the first watch is refused")
		}
		reflecting, _ := a.connect("192.0.2.1")
		if _, ok := PublicStream(reflecting, false); !ok {
			t.Fatal("the first stream is refused")
		}
		for range 100 {
			Probed(checking)
			time.Sleep(DefaultAdmission / 2)
		}
		a.wantOpen(2, "with a check in time and a watch")
		time.Sleep(2 * DefaultAdmission)
		a.wantOpen(1, "after the last check")
		Admitted(watching)
		leave()
		time.Sleep(2 * DefaultAdmission)
		a.wantOpen(1, "after a call on the connection of the watch")
		if a.limiter.probers.total != 0 || len(a.limiter.probers.networks) != 0 {
			t.Errorf("places are still taken: %+v", a.limiter.probers)
		}
	})
}

func TestANetworkKeepsFewConnectionsForHealthChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmissionTest(t, true)
		for range 3 * probersPerNetwork {
			call, _ := a.connect("192.0.2.1")
			if _, ok := PublicStream(call, true); !ok {
				t.Fatal("a watch is refused")
			}
		}
		other, _ := a.connect("192.0.2.2")
		Probed(other)
		time.Sleep(DefaultAdmission + time.Second)
		a.wantOpen(probersPerNetwork+1, "after the time")
	})
}

func TestAConnectionHasFewStreamsThatNeedNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmissionTest(t, true)
		call, _ := a.connect("192.0.2.1")
		var leaves []func()
		for range publicStreams {
			leave, ok := PublicStream(call, true)
			if !ok {
				t.Fatalf("stream %d is refused", len(leaves)+1)
			}
			leaves = append(leaves, leave)
		}
		if _, ok := PublicStream(call, false); ok {
			t.Error("one stream too many is admitted")
		}
		leaves[0]()
		if _, ok := PublicStream(call, false); !ok {
			t.Error("there is no place after one has ended")
		}
	})
}

// TestAnHTTPConnectionIsOverdueButNotCut: its last answer is to arrive.
func TestAnHTTPConnectionIsOverdueButNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmissionTest(t, false)
		_, stranger := a.connect("192.0.2.1")
		_, user := a.connect("192.0.2.1")
		strangers, users := ConnContext(t.Context(), stranger), ConnContext(t.Context(), user)
		Admitted(users)
		if Overdue(strangers) || Overdue(users) {
			t.Error("a new connection is overdue")
		}
		time.Sleep(DefaultAdmission)
		a.wantOpen(2, "after the time")
		if !Overdue(strangers) || Overdue(users) {
			t.Errorf("overdue: the stranger's %t, the user's %t", Overdue(strangers), Overdue(users))
		}
	})
}
