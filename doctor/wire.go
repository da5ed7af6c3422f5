package doctor

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"todoku/internal/h2"
)

// A connection that shows every frame and sends none that was not asked for: grpc-go's
// client hides which frame ended a stream, sends PINGs by itself, and replaces connections
// that break.

// errEnded says that a connection or a stream is over; its end says why.
var errEnded = errors.New("the connection has ended")

// wire is one connection. Its methods may be called concurrently.
type wire struct {
	conn      net.Conn
	authority string
	scheme    string
	patience  time.Duration
	ready     chan struct{} // closed at the server's SETTINGS, or at the end
	reading   sync.WaitGroup
	peerPings atomic.Int64 // from the server

	mu      sync.Mutex // protects what follows
	h2      *h2.Conn
	encoder *h2.Encoder
	streams map[uint32]*exchange
	pings   map[uint64]*ping
	sent    uint64 // PINGs
	settled bool   // the server's SETTINGS arrived
	end     *End
}

// exchange is a stream of one request. The fields below the channels may be read once done
// is closed.
type exchange struct {
	first chan struct{} // closed at the first message, or at the end
	done  chan struct{}

	end     *End
	at      time.Time // of the end
	foreign []string  // headers that the venue does not send
	http    string    // status
	began   bool
}

// ping is a PING in progress.
type ping struct {
	sent time.Time
	done chan struct{} // closed at the answer, or at the connection's end
	trip time.Duration // once done is closed; 0 without an answer
}

// newWire sends the client's preface on a connection, which close closes.
func newWire(conn net.Conn, authority string, plaintext bool, patience time.Duration) (*wire, error) {
	w := &wire{
		conn: conn, authority: authority, scheme: "https", patience: patience,
		ready: make(chan struct{}), encoder: h2.NewEncoder(),
		streams: map[uint32]*exchange{}, pings: map[uint64]*ping{},
	}
	if plaintext {
		w.scheme = "http"
	}
	// Windows stay as small as they are: what arrives is a few hundred bytes.
	w.h2 = h2.NewConn(w, nil, 0, 0)
	if err := w.flush(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w.reading.Go(w.read)
	return w, nil
}

// flush sends what was written. The caller holds mu.
func (w *wire) flush() error {
	if len(w.h2.Out) == 0 {
		return nil
	}
	err := w.conn.SetWriteDeadline(time.Now().Add(w.patience))
	if err == nil {
		_, err = w.conn.Write(w.h2.Out)
	}
	w.h2.Out = w.h2.Out[:0]
	return err
}

// close ends the connection and waits for its reader.
func (w *wire) close() {
	_ = w.conn.Close() // The connection is not needed any more.
	w.reading.Wait()
}

// await waits until done is closed, no longer than patience.
func await(ctx context.Context, done <-chan struct{}, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settings waits for the server's settings.
func (w *wire) settings(ctx context.Context) (HTTP2, error) {
	if await(ctx, w.ready, w.patience) != nil {
		return HTTP2{}, errors.New("no SETTINGS came")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.settled {
		return HTTP2{}, fmt.Errorf("no SETTINGS: %s", w.end)
	}
	return HTTP2(w.h2.Server), nil
}

// write sends frames; nil means that they were sent.
func (w *wire) write(frames func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end != nil {
		return errEnded
	}
	err := frames()
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errEnded, err)
	}
	return nil
}

// ping sends a PING and waits for its answer, no longer than patience.
func (w *wire) ping(ctx context.Context) (time.Duration, error) {
	p := &ping{sent: time.Now(), done: make(chan struct{})}
	err := w.write(func() error {
		w.sent++
		w.pings[w.sent] = p
		w.h2.Ping(pingData(w.sent))
		return nil
	})
	if err == nil {
		err = await(ctx, p.done, w.patience)
	}
	if err == nil && p.trip == 0 {
		err = errEnded
	}
	return p.trip, err
}

func pingData(n uint64) (data [8]byte) {
	binary.LittleEndian.PutUint64(data[:], n)
	return data
}

// open starts a stream with an empty request and without a deadline.
func (w *wire) open(method string) (*exchange, error) {
	x := &exchange{first: make(chan struct{}), done: make(chan struct{})}
	err := w.write(func() error {
		fields := h2.Fields(w.scheme, w.authority, method, hpack.HeaderField{Name: "user-agent", Value: "todoku-doctor"})
		// An empty message asks grpc.health.v1 about the server as a whole.
		stream, err := w.h2.Request(w.encoder.Encode(fields), nil)
		if err == nil {
			w.streams[stream] = x
		}
		return err
	})
	return x, err
}

// check calls Check of grpc.health.v1 and waits for its end, no longer than patience.
func (w *wire) check(ctx context.Context) (*exchange, error) {
	x, err := w.open(methodCheck)
	if err == nil {
		err = await(ctx, x.done, w.patience)
	}
	return x, err
}

// read takes frames until the connection ends, and then ends every stream and PING.
func (w *wire) read() {
	buffer := make([]byte, 16<<10)
	var err error
	for err == nil {
		var n int
		n, err = w.conn.Read(buffer)
		err = cmp.Or(w.receive(buffer[:n]), err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end = cmp.Or(w.end, ofConnection(err))
	for id := range w.streams {
		w.finish(id, w.end)
	}
	for _, p := range w.pings {
		close(p.done)
	}
	if !w.settled {
		close(w.ready)
	}
}

func (w *wire) receive(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.h2.Receive(b); err != nil {
		return err
	}
	return w.flush()
}

// Frame, Data and Headers implement [h2.Handler]. The caller holds mu, as for all below.
func (w *wire) Frame(f h2.Frame) error {
	switch f.Type { //nolint:exhaustive // The others make no difference to a stream's life.
	case http2.FrameSettings:
		if !f.Ack() && !w.settled {
			w.settled = true
			close(w.ready)
		}
	case http2.FramePing:
		w.pong(f)
	case http2.FrameGoAway:
		if f.Code() == http2.ErrCodeNo {
			return nil // Open streams go on; how each of them ends is reported.
		}
		w.end = &End{How: ByGoAway, Code: f.Code().String(), Debug: cut(string(f.Payload[8:]))}
		return errEnded
	case http2.FrameRSTStream:
		w.finish(f.Stream, &End{How: ByReset, Code: f.Code().String()})
	}
	return nil
}

func (w *wire) Data(stream uint32, _ []byte, end bool) error {
	if x := w.streams[stream]; x != nil && !x.began {
		x.began = true
		close(x.first)
	}
	if end {
		w.finish(stream, &End{How: ByNoTrailers})
	}
	return nil
}

func (w *wire) pong(f h2.Frame) {
	if !f.Ack() {
		w.peerPings.Add(1)
		return
	}
	n := binary.LittleEndian.Uint64(f.Payload)
	if p := w.pings[n]; p != nil {
		delete(w.pings, n)
		p.trip = max(time.Since(p.sent), 1)
		close(p.done)
	}
}

func (w *wire) Headers(stream uint32, fields []hpack.HeaderField, ended bool) error {
	x := w.streams[stream]
	if x == nil {
		return nil
	}
	for _, h := range fields {
		switch {
		case h.Name == ":status":
			x.http = h.Value
		case foreign(h.Name):
			x.foreign = append(x.foreign, cut(h.Name+": "+h.Value))
		}
	}
	if !ended {
		return nil
	}
	end := &End{How: ByNoTrailers}
	if status, message := h2.Status(fields); status != "" {
		end = &End{How: ByStatus, Code: statusName(status), Debug: cut(message)}
	}
	w.finish(stream, end)
	return nil
}

// foreign says whether proxies, but not grpc-go, add a header.
func foreign(name string) bool {
	return slices.Contains([]string{"server", "via", "date", "alt-svc", "cf-ray", "x-cache", "x-powered-by"}, name) ||
		strings.HasPrefix(name, "x-envoy-") || strings.HasPrefix(name, "x-amz")
}

func (w *wire) finish(id uint32, end *End) {
	x := w.streams[id]
	if x == nil {
		return
	}
	delete(w.streams, id)
	x.end, x.at = end, time.Now()
	if end.How == ByNoTrailers && x.http != "" && x.http != "200" {
		x.end = &End{How: ByHTTPStatus, Code: cut(x.http)}
	}
	if !x.began {
		close(x.first)
	}
	close(x.done)
}
