package rpc

import (
	"context"
	"fmt"
	"net"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"todoku/push/grpcpush"
)

// grpc-go's door. It knows grpc-go and nothing of the venue: it takes a call's
// method, token and address, asks admit, calls the handler, and writes what came
// of it down as a status. Another door does the same in its own words.

// Interceptors returns the options that a gRPC server needs for the services:
// the interceptors, and the codec that they rely on, grpcpush's included. No other
// codec may be forced. Interceptors that come before these see statuses, those
// that come after see errors.
func (s *Server) Interceptors() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(codec{grpcpush.NewCodec()}),
		grpc.ChainUnaryInterceptor(s.unary),
		grpc.ChainStreamInterceptor(s.stream),
		// A method that is not there goes through the same door, which refuses what
		// the table does not name.
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return errUnimplemented }),
	}
}

func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (res any, err error) {
	defer func() { err = s.status(info.FullMethod, err) }()
	defer recovered(&err)
	ctx, cancel, err := s.admit(ctx, callOf(ctx, info.FullMethod))
	if err != nil {
		return nil, err
	}
	defer cancel()
	return handler(ctx, req)
}

// stream runs a streaming call, from its beginning on a goroutine of its own to the
// wait of a handler that returned [waiting].
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
// it has begun the stream and has only to wait for its end: wait does so and returns
// what came of the call.
//
// The wait is handed over because of memory. A goroutine's stack grows with its
// deepest call and then stays: one that has admitted a caller, decoded a request and
// attached a stream keeps 8 KiB or more for as long as the client is idle. So the
// call begins on a goroutine of its own, whose stack goes with it, and grpc-go's
// goroutine, whose stack is small still, only waits.
type waiting struct{ wait func() error }

// Error makes a wait fit where a handler returns an error. It is never shown.
func (*waiting) Error() string { return "rpc: the stream has begun" }

// admittedStream is a stream whose context knows the caller.
type admittedStream struct {
	grpc.ServerStream
	ctx    context.Context //nolint:containedctx // grpc.ServerStream hands its context out by a method
	cancel func()          // must be called when the call is over
	server *Server
}

// begin admits the caller and runs the handler.
func (s *admittedStream) begin(srv any, method string, handler grpc.StreamHandler) (err error) {
	defer recovered(&err)
	of := callOf(s.ServerStream.Context(), method)
	of.streaming = true
	ctx, cancel, err := s.server.admit(s.ServerStream.Context(), of)
	if err != nil {
		return err
	}
	s.ctx, s.cancel = ctx, cancel
	return handler(srv, s)
}

// Context returns the context that knows the caller.
func (s *admittedStream) Context() context.Context { return s.ctx }

// RecvMsg names what is wrong with a request that cannot be read.
func (s *admittedStream) RecvMsg(m any) error { return s.server.read(s.ServerStream.RecvMsg, m) }

// readable returns a service's description whose unary handlers name what is
// wrong with a request that cannot be read. grpc-go reads requests before its
// interceptors are called; the handlers are the generated ones, given another way
// to read.
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

// reading is a request on its way in. It stands in for the message, so that what
// is wrong with it comes here: an error of the codec would be answered by grpc-go
// at once, as INTERNAL and without a reason. Another codec takes it for the message
// that it embeds.
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
		// The transport's own, and answered by it: the caller is gone, or sent more
		// than even the transport takes.
		return err
	case r.size > s.options.MaxRequestBytes:
		return errTooLarge
	case r.err != nil:
		return errMalformed
	}
	return nil
}

// callOf is what grpc-go knows of a call.
func callOf(ctx context.Context, method string) call {
	c := call{method: method}
	if values := metadata.ValueFromIncomingContext(ctx, "authorization"); len(values) == 1 {
		c.authorization = values[0]
	}
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		c.remote = p.Addr.String()
		if host, _, err := net.SplitHostPort(c.remote); err == nil {
			c.remote = host
		}
	}
	return c
}

// status writes an error down and reports it if its cause was withheld.
func (s *Server) status(method string, err error) error {
	if err == nil {
		return nil
	}
	p := s.explain(err)
	if p.Withheld && transports(err) {
		return err
	}
	if p.Withheld {
		s.options.Fault(method, err)
	}
	return p.Status().Err()
}

// transports says that an error is grpc-go's own: it has written its status down
// already, and only the peer is at fault.
func transports(err error) bool {
	_, ok := err.(interface{ GRPCStatus() *status.Status })
	return ok
}

// recovered turns a panic into an error with its stack, which only the
// operator sees.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = panicked(v)
	}
}

// panicked is what a panic was, as an error.
func panicked(v any) error { return fmt.Errorf("rpc: panic: %v\n%s", v, debug.Stack()) }
