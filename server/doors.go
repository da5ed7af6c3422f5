package server

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // Clients may send and ask for gzip.
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"todoku/push/grpcpush"
)

// maxMessage is the transport's limit. It is larger than that of a request, 1 MiB, so
// that an oversized request gets REQUEST_TOO_LARGE instead of a reset.
const maxMessage = 4 << 20

// readBufferTLS is held for the life of a connection; TLS buffers what it decrypts
// itself. Without TLS the buffer has grpc-go's default size and is held only while
// there is data to read.
const readBufferTLS = 4 << 10

// buildDoors makes the gRPC server and puts the services on it.
func (s *Server) buildDoors() {
	k := s.config.Keepalive
	var secure credentials.TransportCredentials
	if s.certificates != nil {
		secure = credentials.NewTLS(s.certificates.Config("h2"))
	}
	options := grpcpush.Transports(secure)
	options = append(options, grpc.ChainUnaryInterceptor(s.around()...))
	options = append(options, s.services.Interceptors()...)
	options = append(options,
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: k.MaxConnectionIdle, MaxConnectionAge: k.MaxConnectionAge,
			MaxConnectionAgeGrace: k.MaxConnectionAgeGrace, Time: k.Time, Timeout: k.Timeout,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: k.MinTime, PermitWithoutStream: !k.NoPingWithoutStream}),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(s.config.Doors.CallsPerConnection),
		grpc.MaxHeaderListSize(s.config.Doors.HeaderBytes),
		grpc.ConnectionTimeout(s.config.Doors.Handshake),
	)
	if s.certificates != nil {
		options = append(options, grpc.ReadBufferSize(readBufferTLS))
	}
	s.grpc = grpc.NewServer(options...)
	s.services.Register(s.grpc)
	s.health = health.NewServer()
	s.health.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	registerPublic(s.grpc, s.health)
}

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
