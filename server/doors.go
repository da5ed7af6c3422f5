package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // Clients may send and ask for gzip.
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"todoku/push/grpcpush"
)

// maxMessage is what the transport takes. A request is at most 1 MiB; the transport
// takes more, so that who sends too much is told so in words.
const maxMessage = 4 << 20

// readBufferTLS belongs to a connection for as long as it lives; TLS keeps what it
// has decrypted itself. Without TLS the buffer, of grpc-go's standard size, is lent
// while there is something to read.
const readBufferTLS = 4 << 10

// buildDoors makes the gRPC server and puts the services on it.
func (s *Server) buildDoors(tls *tls.Config) {
	k := s.config.Keepalive
	var secure credentials.TransportCredentials
	if tls != nil {
		secure = credentials.NewTLS(tls)
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
	if tls != nil {
		options = append(options, grpc.ReadBufferSize(readBufferTLS))
	}
	s.grpc = grpc.NewServer(options...)
	s.services.Register(s.grpc)
	s.health = health.NewServer()
	s.health.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
}

// listeners are the open ports.
type listeners struct{ grpc, http net.Listener }

// listen opens both ports or none, behind one turnstile.
func listen(ctx context.Context, config *Config, turns *turnstile, secure *tls.Config) (listeners, error) {
	var l listeners
	var err error
	// HTTP/2's own PINGs find dead peers; TCP's would be four more system calls for
	// each of thousands of clients that connect at once.
	plain := net.ListenConfig{KeepAlive: -1}
	if l.grpc, err = plain.Listen(ctx, "tcp", config.GRPCAddr); err != nil {
		return l, fmt.Errorf("server: gRPC port: %w", err)
	}
	if l.http, err = (&net.ListenConfig{}).Listen(ctx, "tcp", config.HTTPAddr); err != nil {
		return listeners{}, errors.Join(fmt.Errorf("server: HTTP port: %w", err), l.close())
	}
	words := httpWords
	if secure != nil {
		words = tlsWords
	}
	l.grpc, l.http = turns.guard(l.grpc, words, config.Keepalive.Timeout), turns.guard(l.http, words, 0)
	if secure != nil {
		// Over HTTP/1.1 a browser opens six connections, and streams would use them up.
		secure = secure.Clone()
		secure.NextProtos = []string{"h2", "http/1.1"}
		l.http = tls.NewListener(l.http, secure)
	}
	return l, nil
}

// close closes what a server did not take over; closing twice is harmless.
func (l listeners) close() error {
	var errs []error
	for _, listener := range []net.Listener{l.grpc, l.http} {
		if listener == nil {
			continue
		}
		if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
