package h2

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/net/http2"
)

// Receive takes the next bytes that have arrived and calls the handler for each whole
// frame. The caller may reuse the bytes afterwards. After an error the connection is
// unusable.
func (c *Conn) Receive(b []byte) error {
	if len(c.partial) > 0 {
		c.partial = append(c.partial, b...)
		b = c.partial
	}
	for len(b) >= frameHeader {
		length := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
		if length > maxFrame {
			return fmt.Errorf("%w: a frame of %d bytes, more than %d", ErrFrames, length, maxFrame)
		}
		if len(b) < frameHeader+length {
			break
		}
		f := Frame{
			Type: http2.FrameType(b[3]), Flags: http2.Flags(b[4]), Stream: binary.BigEndian.Uint32(b[5:]) &^ (1 << 31),
			Payload: b[frameHeader : frameHeader+length],
		}
		if err := c.receive(f); err != nil {
			return err
		}
		b = b[frameHeader+length:]
	}
	c.partial = append(c.partial[:0], b...)
	return nil
}

// receive acts on a frame and passes it to the handler. Unknown types are ignored, as
// RFC 9113 demands.
func (c *Conn) receive(f Frame) error {
	if c.block.stream != 0 && (f.Type != http2.FrameContinuation || f.Stream != c.block.stream) {
		return fmt.Errorf("%w: %s within the headers of stream %d", ErrFrames, f.Type, c.block.stream)
	}
	switch f.Type { //nolint:exhaustive // See above.
	case http2.FrameData:
		return c.data(f)
	case http2.FrameHeaders:
		return c.headers(f)
	case http2.FrameContinuation:
		if c.block.stream == 0 {
			return fmt.Errorf("%w: CONTINUATION without headers", ErrFrames)
		}
		return c.fragment(f)
	}
	if err := checkLength(f); err != nil {
		return err
	}
	switch f.Type { //nolint:exhaustive // The others need no answer.
	case http2.FrameSettings:
		if !f.Ack() {
			c.settings(f.Payload)
			c.frame(http2.FrameSettings, http2.FlagSettingsAck, 0, 0)
		}
	case http2.FramePing:
		if !f.Ack() {
			c.frame(http2.FramePing, http2.FlagPingAck, 0, len(f.Payload))
			c.Out = append(c.Out, f.Payload...)
		}
	case http2.FrameWindowUpdate:
		if f.Stream == 0 {
			c.sendWindow += int(binary.BigEndian.Uint32(f.Payload) &^ (1 << 31))
			c.send()
		}
	}
	return c.handler.Frame(f)
}

// checkLength refuses frames of a wrong length (FRAME_SIZE_ERROR).
func checkLength(f Frame) error {
	n, ok := len(f.Payload), true
	switch f.Type { //nolint:exhaustive // The others have no fixed length.
	case http2.FrameSettings:
		ok = n%6 == 0
	case http2.FramePing:
		ok = n == 8
	case http2.FrameWindowUpdate, http2.FrameRSTStream:
		ok = n == 4
	case http2.FrameGoAway:
		ok = n >= 8
	}
	if !ok {
		return fmt.Errorf("%w: %s of %d bytes", ErrFrames, f.Type, n)
	}
	return nil
}

func (c *Conn) settings(payload []byte) {
	for ; len(payload) > 0; payload = payload[6:] {
		value := binary.BigEndian.Uint32(payload[2:])
		switch http2.SettingID(binary.BigEndian.Uint16(payload)) { //nolint:exhaustive // The others do not concern a client.
		case http2.SettingMaxConcurrentStreams:
			c.Server.MaxConcurrentStreams = value
		case http2.SettingInitialWindowSize:
			c.Server.InitialWindow = value
		case http2.SettingMaxFrameSize:
			c.Server.MaxFrameSize = max(value, maxFrame) // The RFC allows no less.
		case http2.SettingMaxHeaderListSize:
			c.Server.MaxHeaderListSize = value
		}
	}
}

// unpad returns the payload without padding, and without the priority that headers may
// have.
func unpad(f Frame) ([]byte, error) {
	b, before, after := f.Payload, 0, 0
	if f.Flags.Has(http2.FlagDataPadded) && len(b) > 0 {
		before, after = 1, int(b[0])
	}
	if f.Type == http2.FrameHeaders && f.Flags.Has(http2.FlagHeadersPriority) {
		before += 5
	}
	if before+after > len(b) || f.Stream == 0 {
		return nil, fmt.Errorf("%w: %s of %d bytes on stream %d", ErrFrames, f.Type, len(b), f.Stream)
	}
	return b[before : len(b)-after], nil
}

func (c *Conn) data(f Frame) error {
	data, err := unpad(f)
	if err != nil {
		return err
	}
	if c.taken += len(f.Payload); c.window > 0 && c.taken > c.window/2 {
		c.Grow(0, c.taken)
		c.taken = 0
	}
	return c.handler.Data(f.Stream, data, f.Flags.Has(http2.FlagDataEndStream))
}

// headers begins a block of headers. Every block must be decoded, in order, for the
// header tables of both sides to agree.
func (c *Conn) headers(f Frame) (err error) {
	c.block.stream, c.block.size, c.block.end = f.Stream, 0, f.Flags.Has(http2.FlagHeadersEndStream)
	c.fields = c.fields[:0]
	if f.Payload, err = unpad(f); err != nil {
		return err
	}
	return c.fragment(f)
}

func (c *Conn) fragment(f Frame) error {
	if c.block.size += len(f.Payload); c.block.size > maxBlock {
		return fmt.Errorf("%w: headers of more than %d bytes", ErrFrames, maxBlock)
	}
	_, err := c.decoder.Write(f.Payload)
	if err == nil && f.Flags.Has(http2.FlagHeadersEndHeaders) {
		c.block.stream = 0
		if err = c.decoder.Close(); err == nil {
			return c.handler.Headers(f.Stream, c.fields, c.block.end)
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFrames, err)
	}
	return nil
}
