package door

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Certificates are renewed every few weeks, and a restart for that would move every
// stream. So the files are read again when they have changed: at a handshake, at most
// once a second, and when [Certificates.Reload] is called. Connections keep the
// certificate of their handshake. New files that cannot be used change nothing.

// checkEvery is how often the files are looked at.
const checkEvery = time.Second

// Certificates are a server's certificate, its key and, if clients must show one too, the
// authority of theirs. Safe for concurrent use.
type Certificates struct {
	files  []string // certificate, key and perhaps client CA
	report func(error)
	now    atomic.Pointer[loaded]

	mu      sync.Mutex // protects what follows; held while files are read
	checked time.Time
	seen    []os.FileInfo // as the files were when they were last read; nil for a missing one
}

// loaded is what the files hold. It does not change.
type loaded struct {
	certificate *tls.Certificate
	clientCAs   *x509.CertPool // nil: clients show no certificate
}

// OpenCertificates reads PEM files. With a clientCA, clients must show a certificate that
// it has signed. Report is called after each later attempt to read them, with nil if it
// succeeded.
func OpenCertificates(cert, key, clientCA string, report func(error)) (*Certificates, error) {
	c := &Certificates{files: []string{cert, key}, report: report}
	if clientCA != "" {
		c.files = append(c.files, clientCA)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checked, c.seen = time.Now(), c.stat()
	return c, c.load()
}

// Config returns the settings of a listener that offers these protocols by ALPN.
func (c *Certificates) Config(protocols ...string) *tls.Config {
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: protocols,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current().certificate, nil },
	}
	if c.now.Load().clientCAs == nil {
		return config
	}
	plain := config.Clone()
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		own := plain.Clone()
		own.ClientAuth, own.ClientCAs = tls.RequireAndVerifyClientCert, c.current().clientCAs
		own.SessionTicketsDisabled = true // A ticket would outlive the authority that it was issued under.
		return own, nil
	}
	return config
}

// Reload reads the files now and reports how that went.
func (c *Certificates) Reload() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checked, c.seen = time.Now(), c.stat()
	c.report(c.load())
}

// current returns what the files hold, after a look at whether they have changed. It does
// not wait while another handshake looks.
func (c *Certificates) current() *loaded {
	if c.mu.TryLock() {
		defer c.mu.Unlock()
		if time.Since(c.checked) >= checkEvery {
			c.checked = time.Now()
			if files := c.stat(); c.changed(files) {
				c.seen = files
				c.report(c.load())
			}
		}
	}
	return c.now.Load()
}

// stat returns the files' states.
func (c *Certificates) stat() []os.FileInfo {
	infos := make([]os.FileInfo, len(c.files))
	for i, name := range c.files {
		if info, err := os.Stat(name); err == nil { // Otherwise load says what is wrong.
			infos[i] = info
		}
	}
	return infos
}

// changed compares the files with those that were last read. A link that names another
// file is a change.
func (c *Certificates) changed(files []os.FileInfo) bool {
	for i, info := range files {
		old := c.seen[i]
		switch {
		case old == nil && info == nil:
		case old == nil || info == nil, !os.SameFile(old, info), !old.ModTime().Equal(info.ModTime()), old.Size() != info.Size():
			return true
		}
	}
	return false
}

// load reads the files and uses them if all are valid.
func (c *Certificates) load() error {
	pair, err := tls.LoadX509KeyPair(c.files[0], c.files[1])
	if err != nil {
		return fmt.Errorf("certificate %s: %w", c.files[0], err)
	}
	l := &loaded{certificate: &pair}
	if len(c.files) > 2 { // The third is the client CA.
		pem, err := os.ReadFile(c.files[2])
		if err != nil {
			return fmt.Errorf("client CA: %w", err)
		}
		l.clientCAs = x509.NewCertPool()
		if !l.clientCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("client CA: %s holds no certificate in PEM", c.files[2])
		}
	}
	c.now.Store(l)
	return nil
}
