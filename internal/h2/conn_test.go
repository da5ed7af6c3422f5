package h2_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"todoku/internal/h2"
)

// log is a handler that records its calls.
type log struct{ strings.Builder }

func (l *log) Data(stream uint32, data []byte, end bool) error {
	_, err := fmt.Fprintf(l, "data %d %q %v\n", stream, data, end)
	return err
}

func (l *log) Headers(stream uint32, fields []hpack.HeaderField, end bool) error {
	_, err := fmt.Fprintf(l, "headers %d %v %v\n", stream, fields, end)
	return err
}

func (l *log) Frame(f h2.Frame) error {
	_, err := fmt.Fprintf(l, "%s %d %x\n", f.Type, f.Stream, f.Payload)
	return err
}

// server returns what a server writes.
func server(t testing.TB, write func(f *http2.Framer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(http2.NewFramer(&b, nil)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sent returns the frames that a client has written.
func sent(t testing.TB, out []byte) (frames []http2.Frame) {
	t.Helper()
	reader := bytes.NewReader(bytes.TrimPrefix(out, []byte(http2.ClientPreface)))
	for {
		frame, err := http2.NewFramer(nil, reader).ReadFrame()
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frame)
	}
}

func script(t testing.TB) []byte {
	t.Helper()
	block := h2.NewEncoder().Encode([]hpack.HeaderField{{Name: ":status", Value: "200"}, {Name: "grpc-status", Value: "0"}})
	return server(t, func(f *http2.Framer) error {
		return errors.Join(
			f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 7}),
			f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:3], PadLength: 4, EndStream: true}),
			f.WriteContinuation(1, true, block[3:]),
			f.WriteDataPadded(3, true, []byte("hello"), make([]byte, 9)),
			f.WritePing(false, [8]byte{1, 2, 3}),
			f.WriteRSTStream(5, http2.ErrCodeCancel),
			f.WriteGoAway(5, http2.ErrCodeNo, []byte("bye")))
	})
}

func TestFramesAreReadInPiecesOfAnySize(t *testing.T) {
	wire := script(t)
	var want string
	for size := len(wire); size > 0; size-- {
		var l log
		c := h2.NewConn(&l, nil, 0, 0)
		for piece := range slices.Chunk(wire, size) {
			if err := c.Receive(piece); err != nil {
				t.Fatalf("pieces of %d: %v", size, err)
			}
		}
		if want == "" {
			want = l.String()
		}
		if l.String() != want || c.Server.MaxConcurrentStreams != 7 || len(sent(t, c.Out)) != 3 {
			t.Fatalf("pieces of %d: %+v\n%s", size, c.Server, l.String())
		}
	}
	for _, text := range []string{`data 3 "hello" true`, `grpc-status`, `RST_STREAM 5 00000008`, `GOAWAY 0`} {
		if !strings.Contains(want, text) {
			t.Errorf("%q is missing in\n%s", text, want)
		}
	}
}

func TestAMessageWaitsForTheWindow(t *testing.T) {
	c := h2.NewConn(&log{}, nil, 0, 0)
	message := bytes.Repeat([]byte("x"), 40_000)
	for want := range uint32(2) {
		if stream, err := c.Request([]byte{0x82}, message); err != nil || stream != 2*want+1 {
			t.Fatal(stream, err)
		}
	}
	if _, err := c.Request(nil, make([]byte, h2.InitialWindow)); err == nil {
		t.Error("a message that never fits was accepted")
	}
	received := func() (sizes [4]int, ended int) {
		for _, frame := range sent(t, c.Out) {
			if f, ok := frame.(*http2.DataFrame); ok {
				sizes[f.StreamID] += len(f.Data())
				if f.StreamEnded() {
					ended++
				}
			}
		}
		return sizes, ended
	}
	if sizes, ended := received(); sizes[1]+sizes[3] != h2.InitialWindow || ended != 1 {
		t.Errorf("%v bytes before the window was opened, %d messages ended", sizes, ended)
	}
	if err := c.Receive(server(t, func(f *http2.Framer) error { return f.WriteWindowUpdate(0, 1<<20) })); err != nil {
		t.Fatal(err)
	}
	if sizes, ended := received(); sizes[1] != 40_005 || sizes[3] != 40_005 || ended != 2 {
		t.Errorf("%v bytes, %d messages ended", sizes, ended)
	}
}

func TestTheConnectionsWindowStaysOpen(t *testing.T) {
	c := h2.NewConn(&log{}, nil, 100_000, 1000)
	c.Out = c.Out[:0]
	if err := c.Receive(server(t, func(f *http2.Framer) (err error) {
		for range 4 {
			err = errors.Join(err, f.WriteData(1, false, make([]byte, 16<<10)))
		}
		return err
	})); err != nil {
		t.Fatal(err)
	}
	if len(sent(t, c.Out)) == 0 {
		t.Error("the window was not renewed")
	}
}

func TestInvalidFramesAreRefused(t *testing.T) {
	for name, wire := range map[string][]byte{
		"another protocol":             []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"settings of a wrong length":   {0, 0, 1, 4, 0, 0, 0, 0, 0, 0},
		"padding beyond the frame":     {0, 0, 1, 0, 8, 0, 0, 0, 1, 9},
		"continuation without headers": {0, 0, 0, 9, 4, 0, 0, 0, 1},
		"data within headers":          {0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1},
		"headers that do not decode":   {0, 0, 1, 1, 4, 0, 0, 0, 1, 0x80},
	} {
		if err := h2.NewConn(&log{}, nil, 0, 0).Receive(wire); !errors.Is(err, h2.ErrFrames) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(script(f))
	f.Fuzz(func(_ *testing.T, wire []byte) {
		_ = h2.NewConn(&log{}, nil, 1<<20, 1<<20).Receive(wire) // It must not panic.
	})
}
