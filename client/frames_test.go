package client

import (
	"bytes"
	"slices"
	"testing"

	"golang.org/x/net/http2"
)

// Fuzzed alone: nothing here needs the other test files of this package.

// FuzzFramesAreThoseOfHTTP2 splits bytes in pieces of any size into frames, and compares
// them with those of http2.Framer, as far as that accepts the bytes.
func FuzzFramesAreThoseOfHTTP2(f *testing.F) {
	var whole bytes.Buffer
	framer := http2.NewFramer(&whole, nil)
	_ = framer.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 20})
	_ = framer.WriteData(1, false, []byte("something"))
	_ = framer.WriteRSTStream(1, http2.ErrCodeCancel)
	_ = framer.WriteGoAway(1, http2.ErrCodeEnhanceYourCalm, bytes.Repeat([]byte("too_many_pings"), 40))
	f.Add(whole.Bytes(), uint8(1))
	f.Add(whole.Bytes(), uint8(200))
	f.Fuzz(func(t *testing.T, data []byte, piece uint8) {
		type seen struct {
			header  http2.FrameHeader
			payload string
		}
		var got []seen
		var frames frames
		for part := range slices.Chunk(data, int(piece)+1) {
			frames.read(part, func(h http2.FrameHeader, payload []byte) { got = append(got, seen{h, string(payload)}) })
		}
		if cap(frames.payload) > 4*mostPayload {
			t.Errorf("keeps %d bytes", cap(frames.payload))
		}
		reader := http2.NewFramer(nil, bytes.NewReader(data))
		reader.AllowIllegalReads, reader.AllowIllegalWrites = true, true
		for i := 0; ; i++ {
			frame, err := reader.ReadFrame()
			if err != nil {
				return
			}
			if i >= len(got) {
				t.Fatalf("frame %d was not seen: %v", i, frame)
			}
			h, saw := frame.Header(), got[i].header
			if saw.Type != h.Type || saw.Flags != h.Flags || saw.Length != h.Length {
				t.Errorf("frame %d: saw %v, want %v", i, saw, h)
			}
			if goAway, ok := frame.(*http2.GoAwayFrame); ok {
				debug := goAway.DebugData()
				if want := string(debug[:min(len(debug), mostPayload-8)]); got[i].payload[8:] != want {
					t.Errorf("debug data %q, want %q", got[i].payload[8:], want)
				}
			}
		}
	})
}

// FuzzPositionsAreOfWholeCursors reads cursors.
func FuzzPositionsAreOfWholeCursors(f *testing.F) {
	for _, cursor := range []string{"", ":", "e:", ":5", "e:5", "a:b:5", "e:0", "e:-1", "e:18446744073709551616"} {
		f.Add(cursor)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		epoch, sequence, ok := position(cursor)
		if ok != (epoch != "" && sequence != 0) {
			t.Errorf("%q: %q, %d, %t", cursor, epoch, sequence, ok)
		}
	})
}
