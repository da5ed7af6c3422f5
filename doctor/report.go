package doctor

import (
	"strconv"
	"time"

	"todoku/client"
)

// Millis is a time that JSON shows as a number of milliseconds.
type Millis time.Duration

// MarshalJSON writes milliseconds with three decimals at most.
func (m Millis) MarshalJSON() ([]byte, error) {
	const micros = 1000
	return strconv.AppendFloat(nil, float64(time.Duration(m).Microseconds())/micros, 'f', -1, 64), nil
}

// String returns the time rounded to about three digits.
func (m Millis) String() string {
	d := time.Duration(m)
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// Report is what an examination found.
type Report struct {
	// Address is what was examined, host:port.
	Address   string `json:"address"`
	Plaintext bool   `json:"plaintext"`
	// EnvironmentProxy is the proxy that the environment names for this address, if
	// any. The client goes through it; the examination's own connections do not.
	EnvironmentProxy string `json:"environment_proxy,omitempty"`
	// Resolve is how long the look-up of the name took, 0 for an address.
	Resolve   Millis    `json:"resolve_ms"`
	Addresses []Address `json:"addresses"`
	// TLS and HTTP2 are of the first address that answered.
	TLS        *TLS       `json:"tls,omitempty"`
	HTTP2      *HTTP2     `json:"http2,omitempty"`
	RoundTrips RoundTrips `json:"round_trips"`
	// Feed is nil where nobody could sign in.
	Feed *Feed `json:"feed,omitempty"`
	// Pinged and Silent are quiet streams with and without PINGs.
	Pinged  []Quiet `json:"pinged,omitempty"`
	Silent  []Quiet `json:"silent,omitempty"`
	Verdict Verdict `json:"verdict"`

	failed error // to reach the venue, or nil
}

// Address is the result of one address of the name.
type Address struct {
	Address string `json:"address"`
	// Connect and Handshake are how long TCP and TLS took.
	Connect   Millis `json:"connect_ms"`
	Handshake Millis `json:"handshake_ms,omitempty"`
	// Error says why it could not be used; empty if it could.
	Error string `json:"error,omitempty"`
}

// TLS is the result of a handshake.
type TLS struct {
	Version string `json:"version"`
	Cipher  string `json:"cipher"`
	// ALPN is the protocol chosen by both sides; gRPC needs "h2".
	ALPN    string    `json:"alpn"`
	Subject string    `json:"subject"`
	Issuer  string    `json:"issuer"`
	Names   []string  `json:"names,omitempty"`
	Expires time.Time `json:"expires"`
}

// HTTP2 is the SETTINGS of the server or proxy that answers (RFC 9113, 6.5.2).
type HTTP2 struct {
	// MaxConcurrentStreams is 4294967295 (math.MaxUint32) if no limit was named.
	MaxConcurrentStreams uint32 `json:"max_concurrent_streams"`
	InitialWindow        uint32 `json:"initial_window_bytes"`
	MaxFrameSize         uint32 `json:"max_frame_bytes"`
	// MaxHeaderListSize is 0 if no limit was named.
	MaxHeaderListSize uint32 `json:"max_header_list_bytes,omitempty"`
}

// RoundTrips are PINGs and calls, one after the other on one connection.
type RoundTrips struct {
	Pings Spread `json:"pings"`
	Calls Spread `json:"calls"`
	// Health is how the calls (Check of grpc.health.v1) ended.
	Health *End `json:"health,omitempty"`
	// Foreign are headers of the answers that the venue does not send.
	Foreign []string `json:"foreign_headers,omitempty"`
	// Error says why there are fewer than Config.Rounds.
	Error string `json:"error,omitempty"`
}

// Spread is the distribution of a number of times.
type Spread struct {
	Count int    `json:"count"`
	Min   Millis `json:"min_ms"`
	P50   Millis `json:"p50_ms"`
	P95   Millis `json:"p95_ms"`
	Max   Millis `json:"max_ms"`
}

// Quiet is the result of a stream on which nothing was sent, on a connection of its own.
type Quiet struct {
	// PingEvery is the interval of its PINGs; 0 for none.
	PingEvery Millis `json:"ping_every_ms,omitempty"`
	// AskAfter is the silence after which a call tested the connection; 0 with PINGs.
	AskAfter Millis `json:"ask_after_ms,omitempty"`
	// Began is when its silence began, after the beginning of all.
	Began Millis `json:"began_ms"`
	// Lived is the time until it ended, or until the watching ended.
	Lived Millis `json:"lived_ms"`
	// Answered counts the PINGs that were answered, PeerPings those of the other side, which
	// are traffic too.
	Answered  int `json:"pings_answered"`
	PeerPings int `json:"peer_pings"`
	// End is nil if it did not end.
	End *End `json:"end,omitempty"`
	// Survived says that the connection answered a PING after the stream had ended.
	Survived bool `json:"connection_survived"`
}

// Feed is the result of following the notifications, heartbeats included.
type Feed struct {
	Version string `json:"server_version,omitempty"`
	// Hello is how long the first message took.
	Hello Millis `json:"hello_ms"`
	// Heartbeat and Watchdog are the intervals that the venue named.
	Heartbeat Millis `json:"heartbeat_ms"`
	Watchdog  Millis `json:"watchdog_ms"`
	// Resumed is how the stream after the cut began: REPLAY is good.
	Resumed    string `json:"resumed,omitempty"`
	ResumeTook Millis `json:"resume_took_ms"`
	// Missing says that a response did not follow the one before it.
	Missing bool `json:"missing"`
	// Lived is how long it was watched, Heartbeats how many arrived, and Longest the longest
	// time without any message.
	Lived      Millis `json:"lived_ms"`
	Heartbeats int    `json:"heartbeats"`
	Longest    Millis `json:"longest_silence_ms"`
	// Cuts are the ends after which it resumed.
	Cuts []FeedCut `json:"cuts,omitempty"`
	// Error says why it could not be examined, or did not resume.
	Error string `json:"error,omitempty"`
}

// FeedCut is an end of the feed's stream.
type FeedCut struct {
	// Reason is the client's, as in the protocol's table of endings.
	Reason string `json:"reason"`
	Text   string `json:"text,omitempty"`
	Lived  Millis `json:"lived_ms"`
}

// errorText returns an error's text as the venue or the transport gave it, cut short.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return cut(client.Describe(err))
}
