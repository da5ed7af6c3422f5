package doctor

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// WriteText writes the report for people: the path, the streams, the verdict, and the
// settings to choose.
func (r *Report) WriteText(out io.Writer) error {
	var b strings.Builder
	line := func(title, format string, args ...any) {
		_, _ = fmt.Fprintf(&b, "%-12s %s\n", title, fmt.Sprintf(format, args...)) // It cannot fail.
	}
	r.writePath(line)
	for _, q := range slices.Concat(r.Pinged, r.Silent) {
		line("quiet", "%s", q.text())
	}
	if f := r.Feed; f != nil && f.Error == "" {
		line("feed", "%s; Hello after %s, resumed (%s) within %s", f.Version, f.Hello, f.Resumed, f.ResumeTook)
		line("", "%d heartbeats in %s, %s announced; longest silence %s", f.Heartbeats, f.Lived, f.Heartbeat, f.Longest)
		for _, c := range f.Cuts {
			line("", "cut after %s: %s %s", c.Lived, c.Reason, c.Text)
		}
	}
	b.WriteString("\nVerdict\n")
	for _, f := range r.Verdict.Findings {
		line("  "+string(f.Level), "%s", f.Text)
		if f.Code == "PINGS_ANSWERED_NEARER" {
			for _, why := range r.Verdict.Evidence {
				line("", "because %s", why)
			}
		}
	}
	s := &r.Verdict.Settings
	b.WriteString("\nSettings for this path\n")
	line("  client", "--client-keepalive-time %s --client-keepalive-timeout %s", s.KeepaliveTime, s.KeepaliveTimeout)
	line("  venue", "--heartbeat %s", s.Heartbeat)
	line("  proxies", "idle timers of %s", s.ProxyIdle)
	_, err := io.WriteString(out, printable(b.String()))
	return err
}

func (r *Report) writePath(line func(string, string, ...any)) {
	line("address", "%s, resolved in %s", r.Address, r.Resolve)
	for _, a := range r.Addresses {
		switch {
		case a.Error != "":
			line("", "%s: %s", a.Address, a.Error)
		case a.Handshake > 0:
			line("", "%s: connected in %s, TLS in %s", a.Address, a.Connect, a.Handshake)
		default:
			line("", "%s: connected in %s", a.Address, a.Connect)
		}
	}
	if t := r.TLS; t != nil {
		line("TLS", "%s %s, ALPN %s", t.Version, t.Cipher, t.ALPN)
		line("", "%s, by %s, until %s", t.Subject, t.Issuer, t.Expires.UTC().Format("2006-01-02"))
	} else if r.HTTP2 != nil {
		line("TLS", "none")
	}
	if h := r.HTTP2; h != nil {
		streams := "any number of"
		if h.MaxConcurrentStreams != math.MaxUint32 {
			streams = fmt.Sprint("at most ", h.MaxConcurrentStreams)
		}
		line("HTTP/2", "%s streams, windows of %d bytes, frames up to %d", streams, h.InitialWindow, h.MaxFrameSize)
	}
	if t := &r.RoundTrips; t.Calls.Count > 0 {
		line("PING", "%s", t.Pings)
		line("call", "%s", t.Calls)
	}
}

// String returns the spread in one line.
func (s Spread) String() string {
	return fmt.Sprintf("%d in min %s, p50 %s, p95 %s, max %s", s.Count, s.Min, s.P50, s.P95, s.Max)
}

// text returns the result in a few words.
func (q *Quiet) text() string {
	text := "lived " + q.Lived.String()
	if q.End != nil {
		text = fmt.Sprintf("%s after %s", q.End, q.Lived)
	}
	if q.PingEvery > 0 {
		text = fmt.Sprintf("a PING every %s: %s, %d PINGs answered", q.PingEvery, text, q.Answered)
	} else {
		text = fmt.Sprintf("no traffic for %s: %s", q.AskAfter, text)
	}
	if q.PeerPings > 0 {
		text += fmt.Sprintf(", %d PINGs from the other side", q.PeerPings)
	}
	if q.Survived {
		text += "; the connection lives on"
	}
	return text
}

// printable removes the control characters from texts of others, which a terminal would
// interpret.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}
