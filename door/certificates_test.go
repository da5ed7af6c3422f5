package door

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// writePair writes a self-signed certificate and its key to dir.
func writePair(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path+".new", pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// handshake returns the name of the server's certificate, or why the server refuses the
// client.
func handshake(t *testing.T, c *Certificates, client *tls.Config) (name string, refused error) {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close() //nolint:errcheck // A pipe.
	server := tls.Server(far, c.Config("h2"))
	ended := make(chan error, 1)
	go func() { ended <- server.HandshakeContext(t.Context()) }()
	client = client.Clone()
	client.InsecureSkipVerify = true
	secure := tls.Client(near, client)
	go func() { _, _ = secure.Read(make([]byte, 1)) }() // It handshakes, and reads an alert. The pipe's close ends it.
	if err := <-ended; err != nil {
		return "", err
	}
	if err := secure.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return secure.ConnectionState().PeerCertificates[0].DNSNames[0], nil
}

// look lets the next handshake look at the files.
func (c *Certificates) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checked = time.Now().Add(-checkEvery)
}

func TestChangedCertificatesAreUsedAndInvalidOnesAreNot(t *testing.T) {
	dir := t.TempDir()
	cert, key := writePair(t, dir, "first.test")
	var reports []error
	c, err := OpenCertificates(cert, key, "", func(err error) { reports = append(reports, err) })
	if err != nil {
		t.Fatal(err)
	}
	want := func(name string, reported int, failed bool) {
		t.Helper()
		if got, err := handshake(t, c, &tls.Config{}); err != nil || got != name {
			t.Errorf("the certificate is for %q, %v, want %s", got, err, name)
		}
		if len(reports) != reported || reported > 0 && (reports[reported-1] != nil) != failed {
			t.Errorf("reported %v, want %d of which the last failed: %t", reports, reported, failed)
		}
	}
	want("first.test", 0, false)
	writePair(t, dir, "second.test")
	want("first.test", 0, false) // Within a second nobody looks.
	c.look()
	want("second.test", 1, false)
	if err := os.WriteFile(cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.look()
	want("second.test", 2, true)
	c.look()
	want("second.test", 2, true) // A file that is still broken is reported once.
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	c.look()
	want("second.test", 3, true)
	writePair(t, dir, "third.test")
	c.Reload()
	want("third.test", 4, false)
}

func TestAChangedClientCAIsUsed(t *testing.T) {
	dir, before, after := t.TempDir(), t.TempDir(), t.TempDir()
	cert, key := writePair(t, dir, "venue.test")
	client := func(dir, name string) (ca string, config *tls.Config) {
		ca, key := writePair(t, dir, name)
		pair, err := tls.LoadX509KeyPair(ca, key)
		if err != nil {
			t.Fatal(err)
		}
		return ca, &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	oldCA, oldClient := client(before, "old.test")
	newCA, newClient := client(after, "new.test")
	c, err := OpenCertificates(cert, key, oldCA, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := func(what string, config *tls.Config, admitted bool) {
		t.Helper()
		if _, err := handshake(t, c, config); (err == nil) != admitted {
			t.Errorf("%s: %v", what, err)
		}
	}
	want("the old client before", oldClient, true)
	want("the new client before", newClient, false)
	want("no certificate", &tls.Config{}, false)
	if err := os.Rename(newCA, oldCA); err != nil {
		t.Fatal(err)
	}
	c.look()
	want("the old client after", oldClient, false)
	want("the new client after", newClient, true)
}
