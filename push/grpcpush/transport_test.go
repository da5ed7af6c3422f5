package grpcpush_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"todoku/push"
	"todoku/push/grpcpush"
)

// stuckLimit is after how long a blocked send ends a stream here.
const stuckLimit = 300 * time.Millisecond

// stuckConfig lets a send block before a queue is full.
func stuckConfig() push.Config {
	return push.Config{SendTimeout: stuckLimit, QueueMessages: 1 << 20, QueueBytes: 1 << 30}
}

// freezer is a client's socket that can be left unread.
type freezer struct {
	net.Conn
	frozen chan struct{}
	closed chan struct{}
	once   sync.Once
}

func (f *freezer) Read(b []byte) (int, error) {
	select {
	case <-f.frozen:
		<-f.closed
		return 0, net.ErrClosed
	default:
		return f.Conn.Read(b)
	}
}

func (f *freezer) Close() error {
	f.once.Do(func() { close(f.closed) })
	return f.Conn.Close()
}

// frozenBy dials sockets that are not read once frozen is closed.
func frozenBy(frozen chan struct{}) grpc.DialOption {
	return grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		const little = 4 << 10
		if err := conn.(*net.TCPConn).SetReadBuffer(little); err != nil {
			return nil, err
		}
		return &freezer{Conn: conn, frozen: frozen, closed: make(chan struct{})}, nil
	})
}

// fill publishes far more than windows, write quotas and sockets take.
func (v *venue) fill(t testing.TB, bytes int) {
	t.Helper()
	const each = 64 << 10
	text := string(make([]byte, each))
	for range bytes / each {
		v.publish(t, text)
	}
}

func (v *venue) endsSlow(t testing.TB) {
	t.Helper()
	select {
	case err := <-v.returns:
		if push.ReasonOf(err) != push.ReasonSlowConsumer {
			t.Fatalf("ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the handler hangs in its send")
	}
}

// stopsGracefully fails unless GracefulStop needs nobody to cut it short.
func (v *venue) stopsGracefully(t testing.TB) {
	t.Helper()
	stopped := make(chan struct{})
	go func() { defer close(stopped); v.server.GracefulStop() }()
	select {
	case <-stopped:
	case <-time.After(patience):
		t.Error("GracefulStop waits for a peer that reads nothing")
		v.server.Stop()
		<-stopped
	}
}

func TestATransportThatIsNotReadIsEndedAndHoldsUpNoStop(t *testing.T) {
	frozen := make(chan struct{})
	v := open(t, stuckConfig(), frozenBy(frozen), grpc.WithInitialWindowSize(1<<30), grpc.WithInitialConnWindowSize(1<<30))
	v.open(t, t.Context(), "frozen")
	waitAttached(t, v, 1)
	close(frozen)
	v.fill(t, 32<<20) // More than the sockets' buffers.
	v.endsSlow(t)
	v.stopsGracefully(t)
}

func TestATransportWhoseWindowStaysShutIsEndedWithItsLastStream(t *testing.T) {
	v := open(t, stuckConfig(), grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(1<<20))
	v.open(t, t.Context(), "never reads")
	waitAttached(t, v, 1)
	if v.client.GetState() != connectivity.Ready {
		t.Fatal("not connected:", v.client.GetState())
	}
	v.fill(t, 1<<20)
	v.endsSlow(t)
	within, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if !v.client.WaitForStateChange(within, connectivity.Ready) {
		t.Error("the transport lives on")
	}
}

func TestOtherCallsOnAStuckTransportLiveToTheirEnd(t *testing.T) {
	config := stuckConfig()
	config.SendTimeout = 5 * time.Second // Whoever reads does so in time on a machine that stands still for less.
	v := open(t, config, grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(1<<24))
	v.open(t, t.Context(), "never reads")
	reads, stop := context.WithCancel(t.Context())
	other := v.open(t, reads, "reads")
	waitAttached(t, v, 2)
	received := make(chan error, 1<<16)
	go func() {
		for {
			err := other.RecvMsg(&emptypb.Empty{})
			received <- err
			if err != nil {
				return
			}
		}
	}()
	unary := make(chan error, 1)
	go func() { unary <- v.client.Invoke(t.Context(), "/test.Feed/Wait", &emptypb.Empty{}, &emptypb.Empty{}) }()
	<-v.waiting
	v.fill(t, 1<<20)
	v.endsSlow(t)

	// Twice the time after which the transport would be ended without them.
	for began := time.Now(); time.Since(began) < 2*grpcpush.TransportGrace; {
		for len(received) > 0 {
			if err := <-received; err != nil {
				t.Fatal("the other stream was ended:", err)
			}
		}
		v.publish(t, "to the other")
		if err := <-received; err != nil {
			t.Fatal("the other stream was ended:", err)
		}
	}
	stop()
	for err := range received {
		if err != nil {
			break
		}
	}
	v.goOn <- struct{}{}
	if err := <-unary; err != nil {
		t.Error("the other call was cut:", err)
	}
	within, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if !v.client.WaitForStateChange(within, connectivity.Ready) {
		t.Error("the transport lives on after its last call")
	}
}

func TestATransportOutlivesAStreamThatEndedForAnotherReason(t *testing.T) {
	v := open(t, push.Config{})
	call := v.open(t, t.Context(), "c1")
	waitAttached(t, v, 1)
	v.hub.End(push.Selector{}, push.ReasonStreamAge, "")
	if err := call.RecvMsg(&emptypb.Empty{}); status.Code(err) != codes.Aborted {
		t.Fatal(err)
	}
	within, cancel := context.WithTimeout(t.Context(), grpcpush.TransportGrace+grpcpush.TransportGrace/2)
	defer cancel()
	if v.client.WaitForStateChange(within, connectivity.Ready) || !errors.Is(within.Err(), context.DeadlineExceeded) {
		t.Error("the transport was ended")
	}
}
