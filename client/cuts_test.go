package client_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// wire is the other end of a connection, frame by frame: proxies end streams in ways that
// no gRPC server offers.
type wire struct {
	net.Conn
	*http2.Framer
	stream uint32
}

// answer takes the connection's first stream and begins it with a Hello. It answers
// only what a client waits for, and no PINGs.
func answer(conn net.Conn) (*wire, error) {
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return nil, err
	}
	w := &wire{Conn: conn, Framer: http2.NewFramer(conn, conn)}
	if err := w.WriteSettings(); err != nil {
		return nil, err
	}
	for w.stream == 0 {
		frame, err := w.ReadFrame()
		if err != nil {
			return nil, err
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				err = w.WriteSettingsAck()
			}
		case *http2.HeadersFrame:
			w.stream = frame.StreamID
		}
		if err != nil {
			return nil, err
		}
	}
	return w, w.hello()
}

func (w *wire) headers(end bool, fields ...string) error {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		if err := encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}); err != nil {
			return err
		}
	}
	return w.WriteHeaders(http2.HeadersFrameParam{StreamID: w.stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: end})
}

// hello sends 1 response.
func (w *wire) hello() error {
	if err := w.headers(false, ":status", "200", "content-type", "application/grpc"); err != nil {
		return err
	}
	return w.data(&todokuv1.FeedNotificationResponse{Number: 1, PreviousCursor: "e:5", Cursor: "e:5", Messages: []*todokuv1.Message{
		{Body: &todokuv1.Message_Hello{Hello: &todokuv1.Hello{AttachNumber: 7, HeartbeatInterval: durationpb.New(5 * time.Second)}}},
	}})
}

func (w *wire) data(r *todokuv1.FeedNotificationResponse) error {
	message, err := proto.Marshal(r)
	if err != nil {
		return err
	}
	frame := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	return w.WriteData(w.stream, false, frame)
}

// drain reads what the client sends, without an answer, until it has left.
func (w *wire) drain() { _, _ = io.Copy(io.Discard, w.Conn) }

// endOf follows a feed over connections that serve answers, and returns how its
// first stream ended.
func endOf(t *testing.T, config client.Config, l net.Listener, dial func(context.Context, string) (net.Conn, error), serve func(net.Conn)) client.End {
	t.Helper()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close() //nolint:errcheck // The test ends it.
				serve(conn)
			})
		}
	})
	config.Address, config.Plaintext = "passthrough:///venue", true
	config.DialOptions = []grpc.DialOption{grpc.WithContextDialer(dial)}
	c, err := client.Dial(config)
	if err != nil {
		t.Fatal(err)
	}
	c.Restore(client.Session{ConnectionID: "connection"})
	ctx, cancel := context.WithCancel(t.Context())
	var first *client.End
	options := client.FeedOptions{ResumeAfter: "e:5", OnEnd: func(end client.End) {
		if first == nil {
			first = &end
		}
		cancel()
	}}
	_, _ = follow(ctx, c, options, "") // Only its end counts.
	if err := errors.Join(c.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	serving.Wait()
	if first == nil {
		t.Fatal("OnEnd was not called")
	}
	return *first
}

// TestEveryCutHasAReason cuts a stream in every way that a proxy, a dying process
// or a network can, and checks the reason.
func TestEveryCutHasAReason(t *testing.T) {
	cuts := map[string]struct {
		cut            func(*wire) error
		reason, detail string
		goAway         *client.GoAway
		idle           time.Duration
	}{
		"reset by a proxy": {
			cut: func(w *wire) error { return w.WriteRSTStream(w.stream, http2.ErrCodeCancel) }, reason: client.ReasonReset, detail: "RST_STREAM CANCEL",
		},
		"ended without a status": {
			cut: func(w *wire) error { return w.WriteData(w.stream, true, nil) }, reason: client.ReasonNoTrailers,
		},
		"a status without a reason": {
			cut:    func(w *wire) error { return w.headers(true, "grpc-status", "14", "grpc-message", "upstream reset") },
			reason: "UNAVAILABLE",
		},
		"GOAWAY for its PINGs": {
			cut: func(w *wire) error {
				return errors.Join(w.WriteGoAway(w.stream, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings")), w.Close())
			},
			reason: client.ReasonGoAway, detail: `GOAWAY ENHANCE_YOUR_CALM "too_many_pings"`,
			goAway: &client.GoAway{Code: "ENHANCE_YOUR_CALM", Debug: "too_many_pings"},
		},
		"GOAWAY before the stream was seen": {
			cut: func(w *wire) error {
				return errors.Join(w.WriteGoAway(0, http2.ErrCodeNo, nil), w.Close())
			},
			reason: client.ReasonGoAway, detail: "GOAWAY NO_ERROR", goAway: &client.GoAway{Code: "NO_ERROR"},
		},
		"gone": {
			cut: func(w *wire) error { return w.Close() }, reason: client.ReasonConnectLost, detail: "closed by the other end",
		},
		"not HTTP/2": {
			cut: func(w *wire) error {
				_, err := w.Write([]byte("\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
				return err
			},
			reason: client.ReasonConnectLost, detail: "closed by this end: invalid HTTP/2 arrived",
		},
		"no answer to a PING": {
			cut: func(*wire) error { return nil }, reason: client.ReasonKeepalive,
			detail: "nothing came for 13s, not even the answer to a PING", idle: 13 * time.Second,
		},
	}
	for name, c := range cuts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := bufconn.Listen(1 << 20)
				config := client.Config{
					KeepaliveTime: 10 * time.Second, KeepaliveTimeout: 3 * time.Second, StaleAfter: 40 * time.Second, WatchdogAfter: time.Minute,
				}
				dial := func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }
				end := endOf(t, config, l, dial, func(conn net.Conn) {
					w, err := answer(conn)
					if err != nil {
						return // A later stream.
					}
					synctest.Wait() // The Hello has been delivered.
					if err := c.cut(w); err != nil {
						t.Error(err)
					}
					w.drain()
				})
				if end.By != client.EnderConnection || end.Reason != c.reason || end.Detail != c.detail {
					t.Errorf("ended by %s: %s, %q: %v", end.By, end.Reason, end.Detail, end.Err)
				}
				if (end.GoAway == nil) != (c.goAway == nil) || end.GoAway != nil && *end.GoAway != *c.goAway {
					t.Errorf("GOAWAY: %v", end.GoAway)
				}
				if end.Responses != 1 || end.Bytes == 0 || end.Cursor != "e:5" || end.Attach != 7 || end.Idle != c.idle || end.Age != c.idle {
					t.Errorf("%+v", end)
				}
			})
		})
	}
}

// TestARealConnectionIsFoundResetOrRefused needs the system's own errors.
func TestARealConnectionIsFoundResetOrRefused(t *testing.T) {
	listen := func() *net.TCPListener {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := listen()
	dialer := &net.Dialer{}
	address := l.Addr().String()
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", address) }
	end := endOf(t, client.Config{}, l, dial, func(conn net.Conn) {
		w, err := answer(conn)
		if err != nil {
			return
		}
		// Unread data, or SO_LINGER 0, makes the system send RST.
		if tcp, ok := w.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	})
	if end.Reason != client.ReasonConnectLost || end.Detail != "reset by the other end" || end.Peer != address {
		t.Errorf("reset: %+v", end)
	}
	// The listener is closed now.
	end = endOf(t, client.Config{}, listen(), dial, func(net.Conn) {})
	if end.Reason != client.ReasonUnreachable || end.Attach != 0 || end.Peer != "" {
		t.Errorf("refused: %+v", end)
	}
}
