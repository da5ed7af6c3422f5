package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"todoku/cmd/todoku/cli"
	"todoku/internal/apptest"
)

// selfSigned writes a self-signed certificate for name.
func selfSigned(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(file, kind string, data []byte) string {
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", certificate), write("key.pem", "EC PRIVATE KEY", secret)
}

func TestBothSidesVerifyCertificates(t *testing.T) {
	cert, key := selfSigned(t, "venue.test")
	mine, myKey := selfSigned(t, "alice.test")
	config := apptest.Config(t.TempDir())
	config.TLSCert, config.TLSKey, config.TLSClientCA = cert, key, mine
	if err := apptest.Seed(t.Context(), config.Data, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	w := as(t, apptest.Serve(t, config).GRPCAddr().String(), "alice")

	whole := []string{"positions", "--tls-ca", cert, "--tls-server-name", "venue.test", "--tls-cert", mine, "--tls-key", myKey}
	w.must(whole...)
	for what, args := range map[string][]string{
		"in plaintext":                    {"positions"},
		"without a client certificate":    whole[:5],
		"with another authority":          append([]string{"positions", "--tls-ca", mine}, whole[3:]...),
		"with another name in mind":       append([]string{"positions", "--tls-ca", cert, "--tls-server-name", "other.test"}, whole[5:]...),
		"with a certificate of its own":   {"positions", "--tls-ca", cert, "--tls-server-name", "venue.test", "--tls-cert", cert, "--tls-key", key},
		"trusting what the system trusts": append([]string{"positions"}, whole[3:]...),
	} {
		if code, out, errs := w.run(args...); code != cli.ExitUnreachable {
			t.Errorf("%s: exit code %d, %s%s", what, code, out, errs)
		}
	}
	if code, _, errs := w.run("positions", "--tls-ca", key); code != cli.ExitFailed {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
