package rpc

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"todoku/push/grpcpush"
)

// grpc-go's RecvMsg has one limit of size for all methods, and answers a larger request by
// itself, without a reason. So the only request of a call is read here, from the stream below:
// five bytes, the first of which says whether the message is compressed and the others how long
// it is, and the message (gRPC over HTTP/2, "Length-Prefixed-Message").

// transportStream is what grpc-go's own stream offers beyond grpc.ServerTransportStream.
type transportStream interface {
	RecvCompress() string
	ReadMessageHeader(header []byte) error
	Read(n int) (mem.BufferSlice, error)
	WriteStatus(to *status.Status) error
}

var errTransport = errors.New("rpc: this version of grpc-go does not let requests be read below RecvMsg")

// transportOf returns the stream below a call.
func transportOf(ctx context.Context) (transportStream, error) {
	stream, ok := grpc.ServerTransportStreamFromContext(ctx).(transportStream)
	if !ok {
		return nil, errTransport
	}
	return stream, nil
}

// receive reads the only request of a call, of most bytes at most, also when inflated.
func receive(stream transportStream, r *reading, most int) error {
	var header [5]byte
	if err := stream.ReadMessageHeader(header[:]); err != nil {
		return unread(err)
	}
	size := binary.BigEndian.Uint32(header[1:])
	if uint64(size) > uint64(most) {
		return errTooLarge
	}
	data, err := stream.Read(int(size))
	if err != nil {
		return unread(err)
	}
	defer func() { data.Free() }()
	switch header[0] {
	case 0:
	case 1:
		wire := data
		defer wire.Free()
		if data, err = inflate(stream.RecvCompress(), wire, most); err != nil {
			return err
		}
	default:
		return errMalformed
	}
	if err := (codec{grpcpush.NewCodec()}).Unmarshal(data, r); err != nil || r.err != nil {
		return errors.Join(err, r.err)
	}
	if err := stream.ReadMessageHeader(header[:1]); !errors.Is(err, io.EOF) {
		if err == nil {
			return errMalformed // There is more than one request.
		}
		return unread(err)
	}
	return nil
}

// inflate returns data inflated, of most bytes at most.
func inflate(name string, data mem.BufferSlice, most int) (mem.BufferSlice, error) {
	compressor := encoding.GetCompressor(name)
	if compressor == nil {
		return nil, errMalformed
	}
	reader, err := compressor.Decompress(data.Reader())
	if err != nil {
		return nil, errMalformed
	}
	out, err := mem.ReadAll(io.LimitReader(reader, int64(most)+1), mem.DefaultBufferPool())
	switch {
	case err != nil:
		out.Free()
		return nil, errMalformed
	case out.Len() > most:
		out.Free()
		return nil, errTooLarge
	}
	return out, nil
}

// unread returns the error of a call whose request cannot be read.
func unread(err error) error {
	switch _, own := status.FromError(err); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errMalformed
	case own:
		return err
	}
	return status.Error(codes.Canceled, err.Error()) // The connection is over.
}
