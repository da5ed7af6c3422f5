package server

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Both doors count and trace unary calls with the same interceptors, written for
// grpc-go and adapted to connect-go here.

// around returns the interceptors of every unary call, outermost first.
func (s *Server) around() []grpc.UnaryServerInterceptor {
	if s.tracing == nil {
		return []grpc.UnaryServerInterceptor{s.metrics.interceptor}
	}
	return []grpc.UnaryServerInterceptor{s.tracing.interceptor, s.metrics.interceptor}
}

// webAround adapts an interceptor of grpc-go to the browsers' door. It gets the headers
// of a trace and the code of an error; it changes neither request nor answer.
func webAround(interceptor grpc.UnaryServerInterceptor) connect.UnaryInterceptorFunc {
	return func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (res connect.AnyResponse, err error) {
			trail := metadata.MD{}
			for _, name := range []string{"traceparent", "tracestate"} {
				if values := req.Header().Values(name); len(values) > 0 {
					trail.Set(name, values...)
				}
			}
			info := &grpc.UnaryServerInfo{FullMethod: req.Spec().Procedure}
			_, _ = interceptor(metadata.NewIncomingContext(ctx, trail), req.Any(), info, func(ctx context.Context, _ any) (any, error) {
				if res, err = next(ctx, req); err != nil {
					return nil, status.Error(codes.Code(connect.CodeOf(err)), err.Error())
				}
				return res.Any(), nil
			}) // connect-go's own result is returned below.
			return res, err
		}
	}
}
