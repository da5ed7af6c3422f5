package rpc

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"todoku/account"
	"todoku/push/grpcpush"
)

// grpc-go's door. It knows grpc-go and nothing of the venue: it takes a call's
// method, token and address, asks admit, calls the handler, and turns an error into a
// status. The browsers' door does the same for connect-go.

// Interceptors returns the options that a gRPC server needs for the services:
// the interceptors, and the codec that they rely on, grpcpush's included. No other
// codec may be forced. Interceptors that come before these see statuses, those
// that come after see errors.
func (s *Server) Interceptors() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(codec{grpcpush.NewCodec()}),
		grpc.ChainUnaryInterceptor(s.unary),
		grpc.ChainStreamInterceptor(s.stream),
		// admit refuses methods that do not exist: they are not in the table.
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return errUndecided }),
	}
}

func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (res any, err error) {
	defer func() { err = s.status(info.FullMethod, err) }()
	defer recovered(&err)
	ctx, cancel, err := s.admit(ctx, callOf(ctx, info.FullMethod, false))
	if err != nil {
		return nil, err
	}
	defer cancel()
	return handler(ctx, req)
}

// stream runs a streaming call: the handler on a goroutine of its own, then the wait
// if the handler returned [waiting].
func (s *Server) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer func() { err = s.status(info.FullMethod, err) }()
	defer recovered(&err)
	a := &admittedStream{ServerStream: stream, server: s, cancel: func() {}}
	begun := make(chan error, 1)
	go func() { begun <- a.begin(srv, info.FullMethod, handler) }()
	err = <-begun
	defer a.cancel()
	if w, ok := err.(*waiting); ok { //nolint:errorlint // It is returned bare, and this stack is to stay small.
		return w.wait()
	}
	return err
}

// waiting is what the handler of a streaming call returns, in place of an error, once
// the stream has begun and only its end is awaited: wait returns the error of the call.
//
// The wait is handed over because of memory. A goroutine's stack grows with its
// deepest call and then stays: one that has admitted a caller, decoded a request and
// attached a stream keeps 8 KiB or more while the client is idle. So the call begins on
// a goroutine of its own, which then ends, and grpc-go's goroutine, whose stack is still
// small, only waits.
type waiting struct{ wait func() error }

// Error makes a wait fit where a handler returns an error. It is never shown.
func (*waiting) Error() string { return "rpc: the stream has begun" }

// admittedStream is a stream whose context has the caller.
type admittedStream struct {
	grpc.ServerStream
	ctx    context.Context //nolint:containedctx // grpc.ServerStream hands its context out by a method
	cancel func()          // must be called when the call is over
	server *Server
}

// begin admits the caller and runs the handler.
func (s *admittedStream) begin(srv any, method string, handler grpc.StreamHandler) (err error) {
	defer recovered(&err)
	ctx := s.ServerStream.Context()
	ctx, cancel, err := s.server.admit(ctx, callOf(ctx, method, true))
	if err != nil {
		return err
	}
	s.ctx, s.cancel = ctx, cancel
	return handler(srv, s)
}

// Context returns the context that has the caller.
func (s *admittedStream) Context() context.Context { return s.ctx }

// RecvMsg reads a request; its error says why one cannot be read.
func (s *admittedStream) RecvMsg(m any) error { return s.server.read(s.ServerStream.RecvMsg, m) }

// readable returns a service's description whose unary handlers read requests as
// RecvMsg does. grpc-go reads requests before it calls its interceptors, so the
// generated handlers get another function to read with.
func (s *Server) readable(desc *grpc.ServiceDesc) *grpc.ServiceDesc {
	own := *desc
	own.Methods = make([]grpc.MethodDesc, len(desc.Methods))
	for i, m := range desc.Methods {
		full := "/" + desc.ServiceName + "/" + m.MethodName
		own.Methods[i] = grpc.MethodDesc{
			MethodName: m.MethodName,
			Handler: func(srv any, ctx context.Context, receive func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
				return m.Handler(srv, ctx, func(m any) error { return s.status(full, s.read(receive, m)) }, interceptor)
			},
		}
	}
	return &own
}

// reading is a request that is being read. The codec gets it in place of the message and
// keeps its error in it: grpc-go would answer an error of the codec at once, as INTERNAL
// and without a reason. Other codecs see the message that it embeds.
type reading struct {
	proto.Message
	size int
	err  error
}

// codec is grpcpush's, which also knows *reading.
type codec struct{ *grpcpush.Codec }

// Unmarshal decodes as grpc-go does.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	r, ok := v.(*reading)
	if !ok {
		return c.Codec.Unmarshal(data, v)
	}
	r.size, r.err = data.Len(), c.Codec.Unmarshal(data, r.Message)
	return nil
}

// read receives a request into message, or says why it cannot be read.
func (s *Server) read(receive func(any) error, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return receive(message)
	}
	r := &reading{Message: m}
	err := receive(r)
	switch {
	case err != nil:
		// The transport has answered its own error: the caller has disconnected, or
		// sent more than the transport accepts.
		return err
	case r.size > s.options.MaxRequestBytes:
		return errTooLarge
	case r.err != nil:
		return errMalformed
	}
	return nil
}

// callOf is what grpc-go knows of a call.
func callOf(ctx context.Context, method string, streaming bool) call {
	remote := ""
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		remote = p.Addr.String()
	}
	return newCall(method, metadata.ValueFromIncomingContext(ctx, "authorization"), remote, streaming)
}

// status returns an error as a status and reports it if its cause was withheld.
func (s *Server) status(method string, err error) error {
	if err == nil {
		return nil
	}
	p := s.explain(err)
	if _, own := err.(interface{ GRPCStatus() *status.Status }); own && p.withheld {
		return err // grpc-go's own status: only the peer is at fault.
	}
	s.report(method, p, err)
	return p.status().Err()
}

// report reports an error whose cause was withheld from the client, or which an operator
// must mend.
func (s *Server) report(method string, p *problem, err error) {
	if p.withheld || errors.Is(err, account.ErrUnavailable) {
		s.options.Fault(method, err)
	}
}

// recovered turns a panic into an error with its stack, for the operator only.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("rpc: panic: %v\n%s", v, debug.Stack())
	}
}
