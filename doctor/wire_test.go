package doctor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// said is a connection whose peer has sent everything already.
type said struct {
	net.Conn
	io.Reader
}

func (s said) Read(p []byte) (int, error)       { return s.Reader.Read(p) }
func (said) Write(p []byte) (int, error)        { return len(p), nil }
func (said) Close() error                       { return nil }
func (said) SetWriteDeadline(_ time.Time) error { return nil }

// frames returns what a peer writes.
func frames(write func(*http2.Framer) error) []byte {
	var b bytes.Buffer
	if err := write(http2.NewFramer(&b, nil)); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// TestInvalidFramesEndOnlyTheirConnection cuts a peer's bytes at every byte and inverts
// every bit: each open stream must end, and nothing else may happen. It is not a fuzz
// target, because the package's other tests need a venue.
func TestInvalidFramesEndOnlyTheirConnection(t *testing.T) {
	peers := [][]byte{
		[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		frames(func(f *http2.Framer) error {
			return errors.Join(
				f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1}),
				f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x88}, EndHeaders: true}),
				f.WriteData(1, false, make([]byte, 5)),
				f.WriteData(1, true, nil),
				f.WritePing(false, [8]byte{1}),
				f.WritePing(true, pingData(1)))
		}),
		frames(func(f *http2.Framer) error {
			return errors.Join(f.WriteSettings(), f.WriteRSTStream(1, http2.ErrCodeInternal), f.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings")))
		}),
	}
	for _, whole := range peers {
		for i := range whole {
			endsWith(t, whole[:i])
			for bit := range 8 {
				turned := bytes.Clone(whole)
				turned[i] ^= 1 << bit
				endsWith(t, turned)
			}
		}
		endsWith(t, whole)
	}
}

// endsWith checks that a connection ends after a peer has sent text and closed it.
func endsWith(t *testing.T, text []byte) {
	t.Helper()
	hold, release := io.Pipe()
	w, err := newWire(said{Reader: io.MultiReader(hold, bytes.NewReader(text))}, "venue:1", true, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	x, err := w.open(methodWatch)
	if err != nil {
		t.Fatal(err)
	}
	_ = release.Close() // Now the peer sends.
	<-x.done
	<-x.first
	w.close()
	if x.end == nil || w.end == nil {
		t.Errorf("%q: stream ended with %v, connection with %v", text, x.end, w.end)
	}
	if _, err := w.check(t.Context()); !errors.Is(err, errEnded) {
		t.Errorf("%q: a call on an ended connection: %v", text, err)
	}
	if _, err := w.ping(t.Context()); err == nil {
		t.Errorf("%q: a PING on an ended connection was answered", text)
	}
}

func TestEveryEndIsNamed(t *testing.T) {
	cases := map[string]struct {
		frames []byte
		want   string
	}{
		"reset":       {frames(func(f *http2.Framer) error { return f.WriteRSTStream(1, http2.ErrCodeInternal) }), "RST_STREAM INTERNAL_ERROR"},
		"no trailers": {frames(func(f *http2.Framer) error { return f.WriteData(1, true, nil) }), "NO_TRAILERS"},
		"too many PINGs": {frames(func(f *http2.Framer) error {
			return f.WriteGoAway(1, http2.ErrCodeEnhanceYourCalm, []byte("too_many\x1bpings"))
		}), `GOAWAY ENHANCE_YOUR_CALM (too_many\x1bpings)`},
		"closed, as announced": {frames(func(f *http2.Framer) error { return f.WriteGoAway(1, http2.ErrCodeNo, nil) }), "CLOSED"},
		"closed":               {nil, "CLOSED"},
		"a proxy's error": {frames(func(f *http2.Framer) error {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x8e}, EndHeaders: true, EndStream: true})
		}), "HTTP_STATUS 500"},
		"another protocol": {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n" + strings.Repeat(" ", 64)), "FAILURE"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			hold, release := io.Pipe()
			w, err := newWire(said{Reader: io.MultiReader(hold, bytes.NewReader(c.frames))}, "venue:1", true, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			x, err := w.open(methodWatch)
			if err != nil {
				t.Fatal(err)
			}
			_ = release.Close()
			<-x.done
			if got := x.end.String(); !strings.HasPrefix(got, c.want) {
				t.Errorf("ended with %q, want %q", got, c.want)
			}
		})
	}
}

func TestWaitsForASilentPeerAreBounded(t *testing.T) {
	hold, release := io.Pipe()
	w, err := newWire(said{Reader: hold}, "venue:1", true, 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.settings(t.Context()); err == nil {
		t.Error("settings came")
	}
	if _, err := w.ping(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("PING: %v", err)
	}
	if _, err := w.check(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("call: %v", err)
	}
	_ = release.Close()
	w.close()
}
