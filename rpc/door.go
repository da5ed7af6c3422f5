package rpc

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

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
//
// grpc-go reads, inflates and decodes the request of a unary method before its interceptors
// run, for anybody. So unary methods are registered as streams of one request and one
// response, which are the same on the wire: their handler asks admit first, and reads then.

// Windows of HTTP/2 (RFC 9113, section 5.2), in bytes: how much of a request may arrive
// before it is read, for a call and a connection. Without them grpc-go would let them grow.
const (
	callWindow       = 64 << 10
	connectionWindow = 1 << 20
)

// Interceptors returns the options that a gRPC server needs for the services:
// the interceptors, limits on requests, and the codec that they rely on, grpcpush's
// included. No other codec may be forced.
func (s *Server) Interceptors() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(codec{grpcpush.NewCodec()}),
		grpc.InTapHandle(s.tap),
		// A little more than the limit, whose error has a reason.
		grpc.MaxRecvMsgSize(s.options.MaxRequestBytes + callWindow),
		grpc.InitialWindowSize(callWindow), grpc.InitialConnWindowSize(connectionWindow),
		grpc.ChainStreamInterceptor(s.stream),
		// admit refuses methods that do not exist: they are not in the table.
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return errUndecided }),
	}
}

// Registrar returns r for services whose unary methods are to be admitted before their
// requests are read. Around are interceptors of these methods, outermost first; they run
// before the request is read, which they get as nil, and see the status of the call.
func (s *Server) Registrar(r grpc.ServiceRegistrar, around ...grpc.UnaryServerInterceptor) grpc.ServiceRegistrar {
	return &registrar{r, s, around}
}

type registrar struct {
	grpc.ServiceRegistrar
	server *Server
	around []grpc.UnaryServerInterceptor
}

// RegisterService registers a service.
func (r *registrar) RegisterService(desc *grpc.ServiceDesc, implementation any) {
	own := *desc
	own.Methods, own.Streams = nil, slices.Clone(desc.Streams)
	for _, m := range desc.Methods {
		info := &grpc.UnaryServerInfo{Server: implementation, FullMethod: "/" + desc.ServiceName + "/" + m.MethodName}
		own.Streams = append(own.Streams, grpc.StreamDesc{
			StreamName: m.MethodName,
			Handler:    func(srv any, stream grpc.ServerStream) error { return r.unary(srv, stream, info, m.Handler) },
		})
	}
	r.ServiceRegistrar.RegisterService(&own, implementation)
}

// unary runs a unary call.
func (r *registrar) unary(srv any, stream grpc.ServerStream, info *grpc.UnaryServerInfo, method grpc.MethodHandler) error {
	handler := func(ctx context.Context, _ any) (any, error) {
		return r.server.unary(ctx, srv, info.FullMethod, method)
	}
	for _, outer := range slices.Backward(r.around) {
		inner := handler
		handler = func(ctx context.Context, req any) (any, error) { return outer(ctx, req, info, inner) }
	}
	reply, err := handler(stream.Context(), nil)
	if err != nil {
		return err
	}
	return stream.SendMsg(reply)
}

// unary admits a unary call, reads its request and answers it.
func (s *Server) unary(ctx context.Context, srv any, full string, method grpc.MethodHandler) (reply any, err error) {
	defer func() { err = s.status(full, err) }()
	defer recovered(&err)
	ctx, leave, err := s.admit(ctx, callOf(ctx, full, false))
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := s.bound(ctx, full)
	defer cancel()
	var release func()
	defer func() {
		if release != nil {
			release()
		}
	}()
	return method(srv, ctx, func(m any) (err error) {
		release, err = s.read(ctx, full, nil, m)
		return err
	}, nil)
}

// stream runs a streaming call: the handler on a goroutine of its own, then the wait
// if the handler returned [waiting].
func (s *Server) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	if !info.IsServerStream {
		return handler(srv, stream) // A unary call.
	}
	defer func() { err = s.status(info.FullMethod, err) }()
	defer recovered(&err)
	a := &admittedStream{ServerStream: stream, server: s, method: info.FullMethod, many: info.IsClientStream, cancel: func() {}}
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
	method string
	many   bool // The client may send many requests.
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
func (s *admittedStream) RecvMsg(m any) error {
	var receives func(any) error
	if s.many {
		receives = s.ServerStream.RecvMsg
	}
	release, err := s.server.read(s.ctx, s.method, receives, m)
	if release != nil {
		release() // A stream's request becomes a subscription, which has its own bounds.
	}
	return err
}

// reading is a request that is being read. The codec gets it in place of the message, asks
// whether it may be decoded, and keeps its error in it: grpc-go would answer an error of the
// codec at once, as INTERNAL and without a reason. Other codecs see the message that it
// embeds.
type reading struct {
	proto.Message
	server *Server
	caller caller
	held   func() // See mayDecode.
	err    error
}

// codec is grpcpush's, which also knows *reading.
type codec struct{ *grpcpush.Codec }

// Unmarshal decodes as grpc-go does.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	r, ok := v.(*reading)
	if !ok {
		return c.Codec.Unmarshal(data, v)
	}
	whole := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer whole.Free()
	if r.held, r.err = r.server.mayDecode(&r.caller, r.Message, whole.ReadOnlyData()); r.err != nil {
		return nil
	}
	if c.Codec.Unmarshal(mem.BufferSlice{whole}, r.Message) != nil {
		r.err = errMalformed
	}
	return nil
}

// read receives the request of an admitted call into message, or says why it cannot be
// read; receives is nil unless the call may have many. Release, if it is not nil, must be
// called when the message is not needed any more.
func (s *Server) read(ctx context.Context, method string, receives func(any) error, message any) (release func(), err error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, errMalformed
	}
	stream, err := transportOf(ctx)
	if err != nil {
		return nil, err
	}
	r := &reading{Message: m, server: s, caller: callerOf(ctx)}
	one, err := s.arrivals.enter(&r.caller, &cutStream{s, method, stream})
	if err != nil {
		return nil, err
	}
	if receives != nil {
		err = receives(r)
	} else {
		err = receive(stream, r, s.maxBytes(r.caller.User == ""))
	}
	if cut := s.arrivals.leave(one); cut != nil {
		return r.held, cut
	}
	if err != nil {
		return r.held, err
	}
	return r.held, r.err
}

// mayDecode refuses a request that is too large, or that would take too much memory. Held, if
// it is not nil, must be called when the message is not needed any more.
func (s *Server) mayDecode(c *caller, m proto.Message, data []byte) (held func(), err error) {
	if len(data) > s.maxBytes(c.User == "") {
		return nil, errTooLarge
	}
	cost := s.costs.Cost(m.ProtoReflect().Descriptor().FullName(), data, maxCost)
	if cost > maxCost {
		return nil, errTooLarge
	}
	return s.arrivals.hold(c, cost)
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
