package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// mostAddresses bounds how many addresses of a name are tried.
const mostAddresses = 8

// dialer opens connections that are as silent as they can be: Go's own TCP
// keepalive would keep a firewall's memory of them fresh, and grpc-go switches it
// to the system's, which is two hours on Linux.
func (x *examination) dialer() *net.Dialer {
	return &net.Dialer{Timeout: x.config.Patience, KeepAlive: -1}
}

// reach resolves the name, connects to every address once, and chooses the first
// that speaks HTTP/2 for what follows.
func (x *examination) reach(ctx context.Context) error {
	r := x.report
	host, port, err := net.SplitHostPort(x.config.Address)
	if err != nil {
		return err
	}
	x.say("resolving %s", host)
	began := time.Now()
	names, err := net.DefaultResolver.LookupHost(ctx, host)
	r.Resolve = Millis(time.Since(began))
	if err != nil {
		r.failed = err
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if net.ParseIP(host) != nil {
		r.Resolve = 0
	}
	var last error
	for _, name := range names[:min(len(names), mostAddresses)] {
		target := net.JoinHostPort(name, port)
		x.say("connecting to %s", target)
		if err := x.try(ctx, target); err != nil {
			last = err
		}
	}
	if r.HTTP2 == nil {
		r.failed = last
		return fmt.Errorf("%w: %w", ErrUnreachable, last)
	}
	return nil
}

// try connects to an address and notes how far it came.
func (x *examination) try(ctx context.Context, target string) error {
	noted := Address{Address: target}
	w, agreed, err := x.connect(ctx, target, &noted)
	if err == nil {
		var offered HTTP2
		if offered, err = w.settings(ctx); err == nil && x.report.HTTP2 == nil {
			x.report.HTTP2, x.report.TLS = &offered, agreed
		}
		w.close()
	}
	if err != nil {
		noted.Error = cut(err.Error())
	}
	x.report.Addresses = append(x.report.Addresses, noted)
	return err
}

// connect opens a connection to an address and says hello.
func (x *examination) connect(ctx context.Context, target string, noted *Address) (*wire, *TLS, error) {
	began := time.Now()
	conn, err := x.dialer().DialContext(ctx, "tcp", target)
	if err != nil {
		return nil, nil, err
	}
	noted.Connect = Millis(time.Since(began))
	var agreed *TLS
	if !x.config.Plaintext {
		began = time.Now()
		if conn, agreed, err = x.handshake(ctx, conn); err != nil {
			return nil, nil, fmt.Errorf("TLS: %w", err)
		}
		noted.Handshake = Millis(time.Since(began))
	}
	w, err := newWire(conn, x.config.Address, x.config.Plaintext, x.config.Patience)
	return w, agreed, err
}

// errNoALPN says that the other side speaks TLS, but no HTTP/2 in it.
var errNoALPN = errors.New("the other side did not choose h2 (ALPN); gRPC needs it")

func (x *examination) handshake(ctx context.Context, conn net.Conn) (net.Conn, *TLS, error) {
	config := x.config.TLS.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config.NextProtos = []string{"h2"}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(x.config.Address) // It was split before.
	}
	ctx, cancel := context.WithTimeout(ctx, x.config.Patience)
	defer cancel()
	secured := tls.Client(conn, config)
	err := secured.HandshakeContext(ctx)
	if err == nil && secured.ConnectionState().NegotiatedProtocol != "h2" {
		err = errNoALPN
	}
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	state := secured.ConnectionState()
	leaf := state.PeerCertificates[0]
	return secured, &TLS{
		Version: tls.VersionName(state.Version), Cipher: tls.CipherSuiteName(state.CipherSuite), ALPN: state.NegotiatedProtocol,
		Subject: cut(leaf.Subject.String()), Issuer: cut(leaf.Issuer.String()), Names: leaf.DNSNames, Expires: leaf.NotAfter,
	}, nil
}

// dial opens another connection to the address that was chosen.
func (x *examination) dial(ctx context.Context) (*wire, error) {
	for _, a := range x.report.Addresses {
		if a.Error == "" {
			w, _, err := x.connect(ctx, a.Address, &Address{})
			if err != nil {
				return nil, err
			}
			if _, err := w.settings(ctx); err != nil {
				w.close()
				return nil, err
			}
			return w, nil
		}
	}
	return nil, ErrUnreachable
}

// environmentProxy returns the proxy that the environment names for an address:
// grpc-go goes through it without a word.
func environmentProxy(address string) string {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: address}})
	if err != nil || proxy == nil {
		return ""
	}
	return proxy.Redacted()
}
