package doctor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"todoku/internal/h2"
)

// A connection on which every frame is seen and no frame is sent that was not asked
// for: grpc-go's client hides which frame ended a stream, sends PINGs by itself, and
// replaces connections that break.

// errEnded says that a connection or a stream is over; its end says why.
var errEnded = errors.New("the connection has ended")

// wire is one connection. Its methods may be called concurrently.
type wire struct {
	conn      net.Conn
	authority string
	scheme    string
	patience  time.Duration
	ready     chan struct{} // closed at the server's SETTINGS
	gone      chan struct{} // closed when nothing more comes; end is set then
	reading   sync.WaitGroup

	mu        sync.Mutex // protects what follows
	h2        *h2.Conn
	encoder   *h2.Encoder
	streams   map[uint32]*exchange
	pings     map[uint64]*ping
	sent      uint64 // PINGs
	peerPings int
	end       *End
}

// exchange is a stream of one request. The fields below the channels may be read
// when done is closed.
type exchange struct {
	first chan struct{} // closed at the first message, or at the end
	done  chan struct{}

	end     *End
	at      time.Time // of the end
	foreign []string  // headers that the venue does not send
	http    string    // status
	began   bool
}

// ping is a PING on its way.
type ping struct {
	sent time.Time
	trip chan time.Duration // takes one
}

// newWire sends the client's preface on a connection, which close closes.
func newWire(conn net.Conn, authority string, plaintext bool, patience time.Duration) (*wire, error) {
	w := &wire{
		conn: conn, authority: authority, scheme: "https", patience: patience,
		ready: make(chan struct{}), gone: make(chan struct{}), encoder: h2.NewEncoder(),
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
	_ = w.conn.Close() // What was to be learned from it is known.
	w.reading.Wait()
}

// settings waits for the server's settings.
func (w *wire) settings(ctx context.Context) (HTTP2, error) {
	ctx, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	select {
	case <-w.ready:
		w.mu.Lock()
		defer w.mu.Unlock()
		return HTTP2(w.h2.Server), nil
	case <-w.gone:
		return HTTP2{}, fmt.Errorf("no SETTINGS: %s", w.end)
	case <-ctx.Done():
		return HTTP2{}, errors.New("no SETTINGS came")
	}
}

// write sends frames. Without an error they were sent.
func (w *wire) write(frames func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
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
	ctx, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	p := &ping{trip: make(chan time.Duration, 1)}
	err := w.write(func() error {
		w.sent++
		w.pings[w.sent] = p
		p.sent = time.Now()
		w.h2.Ping(pingData(w.sent))
		return nil
	})
	if err != nil {
		return 0, err
	}
	select {
	case trip := <-p.trip:
		return trip, nil
	case <-w.gone:
		return 0, errEnded
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func pingData(n uint64) (data [8]byte) {
	binary.LittleEndian.PutUint64(data[:], n)
	return data
}

// open starts a stream with an empty request. The peer may answer it as long as
// it likes: there is no deadline in it.
func (w *wire) open(method string) (*exchange, error) {
	x := &exchange{first: make(chan struct{}), done: make(chan struct{})}
	err := w.write(func() error {
		if w.end != nil {
			return errEnded
		}
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

// check calls Check of grpc.health.v1 and waits for its end, no longer than
// patience.
func (w *wire) check(ctx context.Context) (*exchange, error) {
	ctx, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	x, err := w.open(methodCheck)
	if err != nil {
		return nil, err
	}
	select {
	case <-x.done:
		return x, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// read takes frames until there are no more.
func (w *wire) read() {
	err := w.frames()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.end == nil {
		w.end = ofConnection(err)
	}
	for id := range w.streams {
		w.finish(id, w.end)
	}
	close(w.gone)
}

func (w *wire) frames() error {
	for buffer := make([]byte, 16<<10); ; {
		n, err := w.conn.Read(buffer)
		if received := w.receive(buffer[:n]); received != nil {
			return received
		}
		if err != nil {
			return err
		}
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

// Frame implements [h2.Handler]. The caller holds mu, as for all below.
func (w *wire) Frame(f h2.Frame) error {
	switch f.Type { //nolint:exhaustive // The others make no difference to a stream's life.
	case http2.FrameSettings:
		select {
		case <-w.ready:
		default:
			if !f.Ack() {
				close(w.ready)
			}
		}
	case http2.FramePing:
		w.pong(f)
	case http2.FrameGoAway:
		if f.Code() == http2.ErrCodeNo {
			return nil // Streams may end in peace; how they do is what counts.
		}
		w.end = &End{How: ByGoAway, Code: f.Code().String(), Debug: cut(string(f.Payload[8:]))}
		return errEnded
	case http2.FrameRSTStream:
		w.finish(f.Stream, &End{How: ByReset, Code: f.Code().String()})
	}
	return nil
}

// Data implements [h2.Handler].
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
		w.peerPings++
		return
	}
	n := binary.LittleEndian.Uint64(f.Payload)
	if p := w.pings[n]; p != nil {
		delete(w.pings, n)
		p.trip <- time.Since(p.sent)
	}
}

// Headers implements [h2.Handler].
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
	switch status, message := h2.Status(fields); {
	case status != "":
		end = &End{How: ByStatus, Code: statusName(status), Debug: cut(message)}
	case x.http != "200":
		end = &End{How: ByHTTPStatus, Code: cut(x.http)}
	}
	w.finish(stream, end)
	return nil
}

// foreign says whether a header is one that proxies add and grpc-go does not.
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

// fromPeer returns how many PINGs the peer has sent.
func (w *wire) fromPeer() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.peerPings
}
