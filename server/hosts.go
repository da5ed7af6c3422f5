package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// A browser on the venue's machine or in its network reaches a plaintext port that its
// user's attacker cannot reach. A page of the attacker's may use that: its name resolves
// to the venue's address after it was loaded, so that the browser takes the venue for the
// page's own origin (DNS rebinding). The request then has the attacker's name as its Host,
// so the HTTP port refuses names that are not the venue's. An attacker has no certificate
// for the venue under another name, so with TLS any name is accepted: the browser has
// verified it.

// hosts are the names by which the HTTP port is addressed. Immutable.
type hosts struct {
	names map[string]bool // in lower case; true where browsers use https
}

// newHosts returns the names of a venue: those it listens on, the machine's, and those of
// its public URLs, which must be valid.
func newHosts(config *Config) *hosts {
	h := &hosts{names: map[string]bool{"localhost": false}}
	if host, _, err := net.SplitHostPort(config.HTTPAddr); err == nil && host != "" {
		h.names[hostName(host)] = false
	}
	if name, err := os.Hostname(); err == nil && name != "" {
		h.names[hostName(name)] = false
	}
	for _, text := range config.PublicURLs {
		if u, err := publicURL(text); err == nil {
			name := hostName(u.Host)
			h.names[name] = h.names[name] || u.Scheme == "https"
		}
	}
	return h
}

// publicURL parses an address at which browsers reach the HTTP port.
func publicURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("invalid --public-url %q: it must be http or https, a host and at most a port; write, for example, https://desk.example.com", text)
	}
	return u, nil
}

// hostName returns a host without its port, in the form in which names are compared.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// accepts says whether a request names this venue. A client without a Host is not a
// browser (HTTP/1.0).
func (h *hosts) accepts(r *http.Request) bool {
	if r.TLS != nil || r.Host == "" {
		return true
	}
	name := hostName(r.Host)
	if _, known := h.names[name]; known {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil // No DNS name, so nobody can make it resolve to another address.
}

// secure says whether the browser that sent a request used https: to this port, or to a
// proxy that ends TLS. The header of a proxy is trusted for no more than this, because a
// client that makes it up gets only a cookie and a policy that are stricter.
func (h *hosts) secure(r *http.Request) bool {
	return r.TLS != nil || h.names[hostName(r.Host)] || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// strictTransport is how browsers are told to use https only, for a year (RFC 6797).
// Other services of the same name must have https too, and no subdomain is included.
const strictTransport = "max-age=31536000"

// guard refuses requests for other hosts, and sets headers that let a browser show pages
// and nothing else. Probes may use any name: they say nothing that is worth a rebinding.
func (h *hosts) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers := w.Header()
		headers.Set("Content-Security-Policy", "default-src 'none'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
		headers.Set("X-Content-Type-Options", "nosniff")
		headers.Set("Cache-Control", "no-store")
		if r.URL.Path != "/healthz" && r.URL.Path != "/readyz" && !h.accepts(r) {
			text := fmt.Sprintf("%q is not a name of this venue. Use its IP address or localhost, or start it with --public-url http://%s\n", r.Host, hostName(r.Host))
			http.Error(w, text, http.StatusMisdirectedRequest)
			return
		}
		if name := hostName(r.Host); h.secure(r) && name != "localhost" {
			headers.Set("Strict-Transport-Security", strictTransport) // Browsers ignore it for IP addresses.
		}
		next.ServeHTTP(w, r)
	})
}
