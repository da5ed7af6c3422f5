package door

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// Config is what [Listen] opens.
type Config struct {
	GRPCAddr, HTTPAddr string
	// TLS is for both ports; nil for plaintext. gRPC does its own handshake.
	TLS *Certificates
	// GRPCTimeout is how long data that is not acknowledged keeps a connection to the
	// gRPC port: its keepalive timeout.
	GRPCTimeout time.Duration
}

// Listeners are the open ports. GRPC gives connections before, HTTP after TLS.
type Listeners struct{ GRPC, HTTP net.Listener }

// Listen opens both ports or none, behind one limiter.
func Listen(ctx context.Context, config Config, limiter *Limiter) (Listeners, error) {
	var l Listeners
	var err error
	// HTTP/2's own PINGs find dead peers; TCP's would be four more system calls for
	// each of thousands of clients that connect at once.
	plain := net.ListenConfig{KeepAlive: -1}
	if l.GRPC, err = plain.Listen(ctx, "tcp", config.GRPCAddr); err != nil {
		return l, fmt.Errorf("gRPC port: %w", err)
	}
	if l.HTTP, err = (&net.ListenConfig{}).Listen(ctx, "tcp", config.HTTPAddr); err != nil {
		return Listeners{}, errors.Join(fmt.Errorf("HTTP port: %w", err), l.Close())
	}
	refusal := httpRefusal
	if config.TLS != nil {
		refusal = tlsRefusal
	}
	grpc := limiter.listen(l.GRPC, refusal, config.GRPCTimeout)
	grpc.timed = true
	l.GRPC, l.HTTP = grpc, limiter.listen(l.HTTP, refusal, 0)
	if config.TLS != nil {
		// Over HTTP/1.1 a browser opens six connections, and streams would use them up.
		l.HTTP = tls.NewListener(l.HTTP, config.TLS.Config("h2", "http/1.1"))
	}
	return l, nil
}

// Close closes the ports that are still open; closing twice is harmless.
func (l Listeners) Close() error {
	var errs []error
	for _, listener := range []net.Listener{l.GRPC, l.HTTP} {
		if listener == nil {
			continue
		}
		if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
