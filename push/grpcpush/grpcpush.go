// Package grpcpush hands package push's shared messages to grpc-go without
// copying them: a response is a few bytes of its own and references to data that all
// streams share.
//
// A server installs the codec with grpc.ForceServerCodecV2([NewCodec]()), which
// leaves every other message to grpc-go's own codec, and a streaming handler calls
// [Serve]. Messages must be encoded as whole entries of the response's repeated
// field, as [Layout.Encode] does. [Status] makes a status of Serve's error.
//
// Serve returns as soon as the stream has ended, even while a send is blocked by
// flow control; grpc-go fails that send when the handler returns. grpc-go may keep up
// to 64 KiB, its write quota, until the transport ends; with this codec those are
// references to shared data, and with [Transports] the transport is ended.
package grpcpush

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	protobuf "google.golang.org/protobuf/proto"

	"todoku/push"
)

// Layout has the field numbers of the response message. A field with number 0 is not
// sent. The encoding is the same as proto.Marshal's if the numbers rise in the order of
// the fields here.
type Layout struct {
	Connection protowire.Number // string
	Messages   protowire.Number // repeated, any message
	Cursor     protowire.Number // string
	Previous   protowire.Number // string
	Fragment   protowire.Number // bool
	Number     protowire.Number // uint64
}

// Standard returns the layout of todoku.v1.FeedNotificationResponse.
func Standard() Layout {
	return Layout{Connection: 1, Messages: 2, Cursor: 3, Previous: 4, Fragment: 5, Number: 6}
}

// Encode encodes a message as an entry of the repeated field, the form that
// push.Message.Data must have; equal messages give equal bytes. It fails for a text
// that is not UTF-8 and for a message without a required field.
func (l Layout) Encode(message protobuf.Message) ([]byte, error) {
	size := protobuf.Size(message)
	b := make([]byte, 0, protowire.SizeTag(l.Messages)+protowire.SizeBytes(size))
	b = protowire.AppendTag(b, l.Messages, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(size))
	return protobuf.MarshalOptions{Deterministic: true, UseCachedSize: true}.MarshalAppend(b, message)
}

// Frame is one response to be sent. SendMsg takes it in place of a proto message.
type Frame struct {
	layout   Layout
	epoch    string
	prefix   []byte // The connection's field, the same in every response.
	response *push.Response
}

// NewFrame returns an empty frame for the responses of one stream.
func NewFrame(layout Layout, connection, epoch string) *Frame {
	f := &Frame{layout: layout, epoch: epoch}
	if layout.Connection != 0 && connection != "" {
		f.prefix = protowire.AppendTag(nil, layout.Connection, protowire.BytesType)
		f.prefix = protowire.AppendString(f.prefix, connection)
	}
	return f
}

// Set puts a response into the frame, which refers to it until the next Set.
func (f *Frame) Set(r *push.Response) { f.response = r }

// Append appends the encoded response to b, for transports that want bytes.
func (f *Frame) Append(b []byte) []byte {
	b = append(b, f.prefix...)
	for _, m := range f.response.Messages {
		b = append(b, m.Bytes()...)
	}
	return f.appendTail(b)
}

func (f *Frame) appendTail(b []byte) []byte {
	r := f.response
	b = f.appendCursor(b, f.layout.Cursor, r.Cursor)
	b = f.appendCursor(b, f.layout.Previous, r.Previous)
	if f.layout.Fragment != 0 && r.Fragment {
		b = protowire.AppendTag(b, f.layout.Fragment, protowire.VarintType)
		b = protowire.AppendVarint(b, 1)
	}
	if f.layout.Number != 0 && r.Number != 0 {
		b = protowire.AppendTag(b, f.layout.Number, protowire.VarintType)
		b = protowire.AppendVarint(b, r.Number)
	}
	return b
}

// appendCursor writes nothing for sequence 0, after which nothing can be resumed:
// before the first publication, and inside a snapshot.
func (f *Frame) appendCursor(b []byte, field protowire.Number, sequence uint64) []byte {
	if field == 0 || f.epoch == "" || sequence == 0 {
		return b
	}
	var buffer [push.MaxEpoch + 21]byte
	text := push.Cursor{Epoch: f.epoch, Sequence: sequence}.Append(buffer[:0])
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, text)
}

// piece is a mem.Buffer that is left to the garbage collector. It is used by pointer,
// so that a frame needs one allocation for all of its pieces.
type piece struct{ mem.SliceBuffer }

// small is the memory of a frame with a single message, the common case of a
// broadcast, in one allocation.
type small struct {
	list   [3]mem.Buffer
	pieces [3]piece
	tail   [96]byte
}

// buffers returns the wire form as references.
func (f *Frame) buffers() mem.BufferSlice {
	var (
		list   mem.BufferSlice
		pieces []piece
		tail   []byte
	)
	if n := len(f.response.Messages) + 2; n <= 3 {
		s := &small{}
		list, pieces, tail = s.list[:0], s.pieces[:0], s.tail[:0]
	} else {
		list, pieces, tail = make(mem.BufferSlice, 0, n), make([]piece, 0, n), make([]byte, 0, 96)
	}
	add := func(data []byte) {
		if len(data) > 0 {
			pieces = append(pieces, piece{data})
			list = append(list, &pieces[len(pieces)-1])
		}
	}
	add(f.prefix)
	for _, m := range f.response.Messages {
		add(m.Bytes())
	}
	add(f.appendTail(tail))
	return list
}

// Codec is grpc-go's codec for protobuf that also encodes *Frame.
type Codec struct {
	ordinary encoding.CodecV2
}

// NewCodec returns the codec, for grpc.ForceServerCodecV2.
func NewCodec() *Codec { return &Codec{ordinary: encoding.GetCodecV2(proto.Name)} }

// Marshal encodes a *Frame as references, and anything else as grpc-go does.
func (c *Codec) Marshal(v any) (mem.BufferSlice, error) {
	if f, ok := v.(*Frame); ok {
		return f.buffers(), nil
	}
	return c.ordinary.Marshal(v) //nolint:wrapcheck // It is the codec's own error.
}

// Unmarshal decodes as grpc-go does.
func (c *Codec) Unmarshal(data mem.BufferSlice, v any) error {
	return c.ordinary.Unmarshal(data, v) //nolint:wrapcheck // It is the codec's own error.
}

// Name returns the name of the codec that it replaces.
func (c *Codec) Name() string { return proto.Name }

// Serve sends headers at once, then everything the stream has, until the stream or
// the call ends. It returns the *push.End, for [Status], at once, even while the
// transport is blocked. The server must use [Codec].
func Serve(call grpc.ServerStream, stream *push.Stream, layout Layout) error {
	if err := Start(call, stream, layout); err != nil {
		return err
	}
	return Ended(call, stream)
}

// Ended waits for the end of a stream that was given to [Start] and returns it, as
// [Serve] does.
func Ended(call grpc.ServerStream, stream *push.Stream) error {
	err := stream.Ended(call.Context())
	if t := transportOf(call.Context()); t != nil {
		t.after(push.ReasonOf(err))
	}
	return err
}

// Start sends headers and begins to send what the stream has, for a handler that
// waits in another function. It must call [Ended] then, and not return before.
func Start(call grpc.ServerStream, stream *push.Stream, layout Layout) error {
	if err := call.SendHeader(nil); err != nil {
		stream.Close()
		return &push.End{Reason: push.ReasonDisconnected, Message: "headers could not be sent", Err: err}
	}
	frame := NewFrame(layout, stream.Connection(), stream.Epoch())
	return stream.Start(func(r *push.Response) error {
		frame.Set(r)
		if err := call.SendMsg(frame); err != nil {
			return stream.Gone(call.Context(), "a send failed", err)
		}
		return nil
	})
}
