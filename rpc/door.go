package rpc

import (
	"context"
	"fmt"
	"net"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// grpc-go's door. It knows grpc-go and nothing of the venue: it takes a call's
// method, token and address, asks admit, calls the handler, and writes what came
// of it down as a status. Another door does the same in its own words.

// Interceptors returns the options that a gRPC server needs for the services.
// They must come before others only where those should see statuses instead of
// errors.
func (s *Server) Interceptors() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(s.unary),
		grpc.ChainStreamInterceptor(s.stream),
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

func (s *Server) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer func() { err = s.status(info.FullMethod, err) }()
	defer recovered(&err)
	ctx, cancel, err := s.admit(stream.Context(), callOf(stream.Context(), info.FullMethod))
	if err != nil {
		return err
	}
	defer cancel()
	return handler(srv, &admittedStream{stream, ctx, s})
}

// admittedStream is a stream whose context knows the caller.
type admittedStream struct {
	grpc.ServerStream
	ctx    context.Context //nolint:containedctx // grpc.ServerStream hands its context out by a method
	server *Server
}

// Context returns the context that knows the caller.
func (s *admittedStream) Context() context.Context { return s.ctx }

// RecvMsg names what is wrong with a request that cannot be read.
func (s *admittedStream) RecvMsg(m any) error {
	return s.server.readError(s.ServerStream.RecvMsg(m), m)
}

// readable returns a service's description whose unary handlers name what is
// wrong with a request that cannot be read. grpc-go reads requests before its
// interceptors are called and answers INTERNAL without a reason; the handlers are
// the generated ones, given another way to read.
func (s *Server) readable(desc *grpc.ServiceDesc) *grpc.ServiceDesc {
	own := *desc
	own.Methods = make([]grpc.MethodDesc, len(desc.Methods))
	for i, m := range desc.Methods {
		full := "/" + desc.ServiceName + "/" + m.MethodName
		own.Methods[i] = grpc.MethodDesc{
			MethodName: m.MethodName,
			Handler: func(srv any, ctx context.Context, read func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
				return m.Handler(srv, ctx, func(v any) error {
					if err := s.readError(read(v), v); err != nil {
						return s.status(full, err)
					}
					return nil
				}, interceptor)
			},
		}
	}
	return &own
}

// readError says why a request cannot be read, or that it is too large.
func (s *Server) readError(err error, request any) error {
	switch status.Code(err) { //nolint:exhaustive // other codes are the transport's: the caller is gone
	case codes.OK:
		if m, ok := request.(proto.Message); ok && proto.Size(m) > s.options.MaxRequestBytes {
			return errTooLarge
		}
		return nil
	case codes.ResourceExhausted:
		return errTooLarge
	case codes.Internal:
		return errMalformed
	}
	return err
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
	if p.Withheld {
		s.options.Fault(method, err)
	}
	return p.Status().Err()
}

// recovered turns a panic into an error with its stack, which nobody but the
// operator sees.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("rpc: panic: %v\n%s", v, debug.Stack())
	}
}
