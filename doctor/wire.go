package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A connection on which every frame is seen and no frame is sent that was not
// asked for: grpc-go's own client hides which frame ended a stream, sends PINGs
// on its own account, and replaces what breaks. See RFC 9113 for the frames and
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md for what gRPC
// puts into them.

// errEnded says that a connection or a stream is over; its end says why.
var errEnded = errors.New("the connection has ended")

// wire is one connection. Its methods may be called concurrently.
type wire struct {
	conn      net.Conn
	framer    *http2.Framer // reading is the reader's alone, writing needs mu
	authority string
	scheme    string
	patience  time.Duration
	greeted   chan struct{} // closed at the server's SETTINGS
	gone      chan struct{} // closed when nothing more comes; end is set then
	reading   sync.WaitGroup

	mu        sync.Mutex // protects what follows
	headers   bytes.Buffer
	encoder   *hpack.Encoder
	offered   HTTP2
	streams   map[uint32]*exchange
	next      uint32 // odd
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

// newWire says hello on a connection, which is closed by close.
func newWire(conn net.Conn, authority string, plaintext bool, patience time.Duration) (*wire, error) {
	w := &wire{
		conn: conn, framer: http2.NewFramer(conn, conn), authority: authority, scheme: "https", patience: patience,
		greeted: make(chan struct{}), gone: make(chan struct{}),
		streams: map[uint32]*exchange{}, next: 1, pings: map[uint64]*ping{},
	}
	if plaintext {
		w.scheme = "http"
	}
	w.encoder = hpack.NewEncoder(&w.headers)
	// This side takes frames of the standard size; a peer that sends others is ended.
	w.framer.SetMaxReadFrameSize(16 << 10)
	w.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	w.framer.MaxHeaderListSize = 64 << 10
	w.offered = HTTP2{MaxConcurrentStreams: unlimited, InitialWindow: 65535, MaxFrameSize: 16 << 10}
	err := conn.SetWriteDeadline(time.Now().Add(patience))
	if err == nil {
		_, err = conn.Write([]byte(http2.ClientPreface))
	}
	if err == nil {
		// Windows stay as small as they are: what comes is a few hundred bytes.
		err = w.framer.WriteSettings(http2.Setting{ID: http2.SettingEnablePush, Val: 0})
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w.reading.Go(w.read)
	return w, nil
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
	case <-w.greeted:
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.offered, nil
	case <-w.gone:
		return HTTP2{}, fmt.Errorf("no SETTINGS: %s", w.end)
	case <-ctx.Done():
		return HTTP2{}, errors.New("no SETTINGS came")
	}
}

// write sends frames. A connection that cannot be written to is closed, and its
// reader says why it ended.
func (w *wire) write(frames func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.conn.SetWriteDeadline(time.Now().Add(w.patience))
	if err == nil {
		err = frames()
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
		return w.framer.WritePing(false, pingData(w.sent))
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
	for i := range data {
		data[i] = byte(n >> (8 * i))
	}
	return data
}

func pingNumber(data [8]byte) (n uint64) {
	for i, b := range data {
		n |= uint64(b) << (8 * i)
	}
	return n
}

// emptyMessage is gRPC's frame of a message without fields: that of a request to
// grpc.health.v1 for the server as a whole.
const emptyMessage = "\x00\x00\x00\x00\x00"

// open starts a stream with an empty request. The peer may answer it as long as
// it likes: there is no deadline in it.
func (w *wire) open(method string) (*exchange, error) {
	x := &exchange{first: make(chan struct{}), done: make(chan struct{})}
	err := w.write(func() error {
		if w.end != nil {
			return errEnded
		}
		w.headers.Reset()
		for _, f := range []hpack.HeaderField{
			{Name: ":method", Value: "POST"},
			{Name: ":scheme", Value: w.scheme},
			{Name: ":path", Value: method},
			{Name: ":authority", Value: w.authority},
			{Name: "content-type", Value: "application/grpc"},
			{Name: "te", Value: "trailers"},
			{Name: "user-agent", Value: "todoku-doctor"},
		} {
			if err := w.encoder.WriteField(f); err != nil {
				return err
			}
		}
		id := w.next
		w.next += 2
		w.streams[id] = x
		return errors.Join(
			w.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: w.headers.Bytes(), EndHeaders: true}),
			w.framer.WriteData(id, true, []byte(emptyMessage)))
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
	for {
		frame, err := w.framer.ReadFrame()
		if err != nil {
			return err
		}
		if err := w.handle(frame); err != nil {
			return err
		}
	}
}

func (w *wire) handle(frame http2.Frame) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		return w.heed(f)
	case *http2.PingFrame:
		return w.answered(f)
	case *http2.GoAwayFrame:
		if f.ErrCode == http2.ErrCodeNo {
			return nil // Streams may end in peace; how they do is what counts.
		}
		w.end = &End{How: ByGoAway, Code: f.ErrCode.String(), Debug: cut(string(f.DebugData()))}
		return errEnded
	case *http2.RSTStreamFrame:
		w.finish(f.StreamID, &End{How: ByReset, Code: f.ErrCode.String()})
	case *http2.MetaHeadersFrame:
		w.headersOf(f)
	case *http2.DataFrame:
		if x := w.streams[f.StreamID]; x != nil && !x.began {
			x.began = true
			close(x.first)
		}
		if f.StreamEnded() {
			w.finish(f.StreamID, &End{How: ByNoTrailers})
		}
	}
	return nil
}

// heed takes the server's settings over. The caller holds mu, as for all below.
func (w *wire) heed(f *http2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	err := f.ForeachSetting(func(s http2.Setting) error {
		switch s.ID { //nolint:exhaustive // The others make no difference to a stream's life.
		case http2.SettingMaxConcurrentStreams:
			w.offered.MaxConcurrentStreams = s.Val
		case http2.SettingInitialWindowSize:
			w.offered.InitialWindow = s.Val
		case http2.SettingMaxFrameSize:
			w.offered.MaxFrameSize = s.Val
		case http2.SettingMaxHeaderListSize:
			w.offered.MaxHeaderListSize = s.Val
		}
		return nil
	})
	select {
	case <-w.greeted:
	default:
		close(w.greeted)
	}
	return errors.Join(err, w.conn.SetWriteDeadline(time.Now().Add(w.patience)), w.framer.WriteSettingsAck())
}

func (w *wire) answered(f *http2.PingFrame) error {
	if !f.IsAck() {
		w.peerPings++
		return errors.Join(w.conn.SetWriteDeadline(time.Now().Add(w.patience)), w.framer.WritePing(true, f.Data))
	}
	n := pingNumber(f.Data)
	if p := w.pings[n]; p != nil {
		delete(w.pings, n)
		p.trip <- time.Since(p.sent)
	}
	return nil
}

// headersOf takes headers or trailers.
func (w *wire) headersOf(f *http2.MetaHeadersFrame) {
	x := w.streams[f.StreamID]
	if x == nil {
		return
	}
	var status, message string
	for _, h := range f.Fields {
		switch {
		case h.Name == ":status":
			x.http = h.Value
		case h.Name == "grpc-status":
			status = h.Value
		case h.Name == "grpc-message":
			message = h.Value
		case foreign(h.Name):
			x.foreign = append(x.foreign, cut(h.Name+": "+h.Value))
		}
	}
	if !f.StreamEnded() {
		return
	}
	end := &End{How: ByNoTrailers}
	switch {
	case status != "":
		end = &End{How: ByStatus, Code: statusName(status), Debug: cut(message)}
	case x.http != "200":
		end = &End{How: ByHTTPStatus, Code: cut(x.http)}
	}
	w.finish(f.StreamID, end)
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
