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

// reach resolves the name, connects to every address once, and chooses the first that
// speaks HTTP/2 for the later steps.
func (x *examination) reach(ctx context.Context) error {
	r := x.report
	host, port, _ := net.SplitHostPort(x.config.Address) // withDefaults has checked it.
	x.say("resolving %s", host)
	began := time.Now()
	names, err := net.DefaultResolver.LookupHost(ctx, host)
	r.Resolve = Millis(time.Since(began))
	if err != nil {
		return err
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
	if x.target != "" {
		return nil
	}
	return last
}

// try connects to an address and reports how far it came.
func (x *examination) try(ctx context.Context, target string) error {
	reported := Address{Address: target}
	w, agreed, offered, err := x.connect(ctx, &reported)
	if err != nil {
		reported.Error = cut(err.Error())
	} else {
		w.close()
		if x.target == "" {
			x.target, x.report.HTTP2, x.report.TLS = target, &offered, agreed
		}
	}
	x.report.Addresses = append(x.report.Addresses, reported)
	return err
}

// connect opens a connection to an address, which answers with its settings.
func (x *examination) connect(ctx context.Context, to *Address) (*wire, *TLS, HTTP2, error) {
	began := time.Now()
	// Go's own TCP keepalive would keep the connection in a firewall's memory, and grpc-go
	// switches it to the system's, which is two hours on Linux.
	dialer := &net.Dialer{Timeout: x.config.Patience, KeepAlive: -1}
	conn, err := dialer.DialContext(ctx, "tcp", to.Address)
	if err != nil {
		return nil, nil, HTTP2{}, err
	}
	to.Connect = Millis(time.Since(began))
	var agreed *TLS
	if !x.config.Plaintext {
		began = time.Now()
		if conn, agreed, err = x.handshake(ctx, conn); err != nil {
			return nil, nil, HTTP2{}, fmt.Errorf("TLS: %w", err)
		}
		to.Handshake = Millis(time.Since(began))
	}
	w, err := newWire(conn, x.config.Address, x.config.Plaintext, x.config.Patience)
	if err != nil {
		return nil, nil, HTTP2{}, err
	}
	offered, err := w.settings(ctx)
	if err != nil {
		w.close()
	}
	return w, agreed, offered, err
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
	w, _, _, err := x.connect(ctx, &Address{Address: x.target})
	return w, err
}

// environmentProxy returns the proxy that the environment names for an address, which
// grpc-go uses without saying so.
func environmentProxy(address string) string {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: address}})
	if err != nil || proxy == nil {
		return ""
	}
	return proxy.Redacted()
}
