package door

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// Config is what [Listen] opens.
type Config struct {
	GRPCAddr, HTTPAddr string
	// TLS is for both ports; nil for plaintext. gRPC does its own handshake.
	TLS *tls.Config
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
		secure := config.TLS.Clone()
		secure.NextProtos = []string{"h2", "http/1.1"}
		l.HTTP = tls.NewListener(l.HTTP, secure)
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

// TLS reads the PEM files of a server's certificate and key. With a clientCA, clients
// must show a certificate that it has signed.
func TLS(cert, key, clientCA string) (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", cert, err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if clientCA != "" {
		pem, err := os.ReadFile(clientCA)
		if err != nil {
			return nil, fmt.Errorf("client CA: %w", err)
		}
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("client CA: %s holds no certificate in PEM", clientCA)
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}
