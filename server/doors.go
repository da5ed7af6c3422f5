package server

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // Clients may send and ask for gzip.
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"todoku/push/grpcpush"
)

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
	options = append(options, s.services.Interceptors()...)
	options = append(options,
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: k.MaxConnectionIdle, MaxConnectionAge: k.MaxConnectionAge,
			MaxConnectionAgeGrace: k.MaxConnectionAgeGrace, Time: k.Time, Timeout: k.Timeout,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: k.MinTime, PermitWithoutStream: !k.NoPingWithoutStream}),
		grpc.MaxConcurrentStreams(s.config.Doors.CallsPerConnection),
		grpc.MaxHeaderListSize(s.config.Doors.HeaderBytes),
		grpc.ConnectionTimeout(s.config.Doors.Handshake),
	)
	if s.certificates != nil {
		options = append(options, grpc.ReadBufferSize(readBufferTLS))
	}
	s.grpc = grpc.NewServer(options...)
	s.services.Register(s.grpc, s.around()...)
	s.health = health.NewServer()
	s.health.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	registerPublic(s.grpc, s.services.Registrar(s.grpc, s.around()...), s.health)
}

// around returns the interceptors of the unary calls of both doors, outermost first.
func (s *Server) around() []grpc.UnaryServerInterceptor {
	if s.tracing == nil {
		return []grpc.UnaryServerInterceptor{s.metrics.interceptor}
	}
	return []grpc.UnaryServerInterceptor{s.tracing.interceptor, s.metrics.interceptor}
}
