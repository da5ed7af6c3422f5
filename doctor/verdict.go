package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Level says how bad a finding is.
type Level string

// The levels of findings.
const (
	Good    Level = "OK"      // it works as it should
	Hint    Level = "HINT"    // to know, or to change before it causes problems
	Problem Level = "PROBLEM" // the feed does not work
)

// Who answers PINGs.
const (
	AnsweredByVenue = "VENUE"           // it refused PINGs that came too often
	AnsweredNearer  = "PROBABLY_NEARER" // probably a proxy; the evidence says why
	AnsweredUnknown = "UNKNOWN"         // nothing shows it
)

// Finding is one conclusion.
type Finding struct {
	Level Level `json:"level"`
	// Code is for programs and does not change.
	Code string `json:"code"`
	Text string `json:"text"`
}

// Verdict is what follows from an examination.
type Verdict struct {
	// PingsAnsweredBy is one of AnsweredByVenue and the others; Evidence says why.
	PingsAnsweredBy string   `json:"pings_answered_by"`
	Evidence        []string `json:"evidence,omitempty"`
	// SmallestPing is the shortest interval of PINGs that was tolerated; 0 for none.
	SmallestPing Millis `json:"smallest_tolerated_ping_ms,omitempty"`
	// QuietCut is the age at which a stream without any traffic was cut, PingedCut that of a
	// stream with PINGs only; 0 if none was cut.
	QuietCut  Millis    `json:"quiet_cut_after_ms,omitempty"`
	PingedCut Millis    `json:"pinged_cut_after_ms,omitempty"`
	Findings  []Finding `json:"findings"`
	Settings  Settings  `json:"settings"`
}

// Settings are those that fit the path.
type Settings struct {
	// KeepaliveTime and KeepaliveTimeout are the client's, for the feed's connection.
	KeepaliveTime    Millis `json:"client_keepalive_time_ms"`
	KeepaliveTimeout Millis `json:"client_keepalive_timeout_ms"`
	// Heartbeat is the venue's --heartbeat.
	Heartbeat Millis `json:"heartbeat_ms"`
	// ProxyIdle is for every idle timer of a proxy that the operator can set.
	ProxyIdle Millis `json:"proxy_idle_timer_ms"`
}

// Good says whether the feed works over this path.
func (v *Verdict) Good() bool {
	return !slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.Level == Problem })
}

func (v *Verdict) find(level Level, code, format string, args ...any) {
	v.Findings = append(v.Findings, Finding{level, code, fmt.Sprintf(format, args...)})
}

const (
	// venueMinTime is the venue's default of --keepalive-min-time.
	venueMinTime = Millis(5 * time.Second)
	// leastKeepalive is grpc-go's minimum; it raises shorter times (gRPC proposal A8).
	leastKeepalive = Millis(10 * time.Second)
	// Defaults of client, venue and proxies, with reasons in the protocol.
	usualKeepalive = Millis(20 * time.Second)
	usualHeartbeat = Millis(5 * time.Second)
	usualProxyIdle = Millis(90 * time.Second)
	// beats is how many heartbeats must fit into a timer: one of them may be late or lost.
	beats = 3
	// clearly is how much longer than a PING a call must take to be evidence: a server's
	// work takes less.
	clearly = Millis(2 * time.Millisecond)
)

// judge draws the conclusions from the report alone.
func (r *Report) judge() {
	r.Verdict = Verdict{PingsAnsweredBy: AnsweredUnknown, Findings: []Finding{}}
	r.judgePath()
	if r.failed == nil {
		r.judgePings()
		r.judgeCuts()
		r.judgeFeed()
	}
	r.choose()
}

func (r *Report) judgePath() {
	v := &r.Verdict
	if r.failed != nil {
		v.find(Problem, "UNREACHABLE", "%s", cut(r.failed.Error()))
		if r.Plaintext && slices.ContainsFunc(r.Addresses, func(a Address) bool { return a.Connect > 0 }) {
			v.find(Hint, "PERHAPS_TLS", "something listens there that does not speak HTTP/2 in plaintext: it may want TLS, or be the HTTP port")
		}
		return
	}
	if r.EnvironmentProxy != "" {
		v.find(Hint, "ENVIRONMENT_PROXY", "the environment sends the client through %s; this examination went directly, as NO_PROXY would", r.EnvironmentProxy)
	}
	for _, a := range r.Addresses {
		if a.Error != "" {
			v.find(Hint, "ADDRESS_FAILS", "%s does not work (%s): clients that try it first lose time", a.Address, a.Error)
		}
	}
	const soon = 14 * 24 * time.Hour
	if r.TLS != nil && time.Until(r.TLS.Expires) < soon {
		v.find(Hint, "CERTIFICATE_EXPIRES", "the certificate expires at %s", r.TLS.Expires.UTC().Format(time.RFC3339))
	}
	const few = 8
	if r.HTTP2.MaxConcurrentStreams < few {
		v.find(Hint, "FEW_STREAMS", "a connection takes %d streams at once; more calls wait for each other", r.HTTP2.MaxConcurrentStreams)
	}
	if health := r.RoundTrips.Health; !health.ok() {
		v.find(Hint, "NO_HEALTH", "grpc.health.v1 is not answered (%s %s): quiet streams could not be examined", health, r.RoundTrips.Error)
	}
}

// judgePings says who answers PINGs, and how often they may come.
func (r *Report) judgePings() {
	v := &r.Verdict
	refused, tolerated := Millis(0), Millis(0)
	for _, q := range r.Pinged {
		switch {
		case q.End.tooManyPings():
			refused = max(refused, q.PingEvery)
		case q.Answered >= strikes && (tolerated == 0 || q.PingEvery < tolerated):
			tolerated = q.PingEvery
		}
	}
	v.SmallestPing = tolerated
	longer := "no longer interval was tried long enough to see it tolerated"
	if tolerated > 0 {
		longer = "every " + tolerated.String() + " is tolerated"
	}
	if refused > 0 {
		v.find(Hint, "TOO_MANY_PINGS", "a PING every %s ends a quiet connection (GOAWAY ENHANCE_YOUR_CALM, too_many_pings); %s", refused, longer)
	}
	r.whoAnswers(refused, tolerated)
}

// whoAnswers collects the evidence for a proxy that answers PINGs instead of the venue. PING
// is hop by hop: every HTTP proxy answers its own.
func (r *Report) whoAnswers(refused, tolerated Millis) {
	v, trips := &r.Verdict, &r.RoundTrips
	nearer := func(format string, args ...any) { v.Evidence = append(v.Evidence, fmt.Sprintf(format, args...)) }
	if trips.Pings.Count > 0 && trips.Calls.Min > 2*trips.Pings.P50 && trips.Calls.Min-trips.Pings.P50 > clearly {
		nearer("half of the PINGs were answered within %s, the fastest of %d calls took %s", trips.Pings.P50, trips.Calls.Count, trips.Calls.Min)
	}
	for _, header := range trips.Foreign {
		if !trips.Health.ok() {
			break // The answer is not a venue's.
		}
		nearer("an answer carries a header that the venue does not send: %s", header)
	}
	for _, q := range r.Pinged {
		if q.End.ofStream() && q.End.How != ByStatus && q.Survived {
			nearer("a quiet stream ended (%s) while its connection went on answering PINGs; the venue ends none for being quiet", q.End)
			break
		}
	}
	if refused == 0 && tolerated > 0 && tolerated < venueMinTime {
		nearer("a PING every %s was never refused as too often; a venue with its default settings ends a quiet connection for less than %s", tolerated, venueMinTime)
	}
	switch {
	case refused > 0:
		v.PingsAnsweredBy = AnsweredByVenue
		v.find(Good, "PINGS_REACH_VENUE", "PINGs probably reach the venue: only gRPC servers refuse them as too many")
	case len(v.Evidence) > 0:
		v.PingsAnsweredBy = AnsweredNearer
		v.find(Hint, "PINGS_ANSWERED_NEARER", "PINGs are probably answered by something nearer than the venue, such as a proxy: they prove that hop alone, and keep no stream alive behind it")
	}
}

// judgeCuts distinguishes timers from accidents, and finds what each timer counts.
func (r *Report) judgeCuts() {
	v := &r.Verdict
	var cuts []Quiet
	answered, forgotten := Millis(0), Millis(0)
	for _, q := range slices.Concat(r.Pinged, r.Silent) {
		switch {
		case q.End == nil:
			answered = max(answered, q.AskAfter)
		case q.End.How == ByNoAnswer && q.AskAfter > 0:
			if forgotten == 0 || q.AskAfter < forgotten {
				forgotten = q.AskAfter
			}
		case q.End.How == ByFailure:
			v.find(Hint, "STREAM_FAILED", "a quiet stream could not be watched: %s", q.End)
		case !q.End.tooManyPings():
			cuts = append(cuts, q)
		}
	}
	if together(cuts) {
		v.find(Hint, "CUT_TOGETHER", "%d quiet streams of different ages ended at the same moment (%s): a restart or a break, not a timer; examine again", len(cuts), cuts[0].End)
		return
	}
	slices.SortFunc(cuts, func(a, b Quiet) int { return cmp.Compare(a.Lived, b.Lived) })
	first := func(withPings bool) (none Quiet) {
		for _, q := range cuts {
			if q.PingEvery > 0 == withPings {
				return q
			}
		}
		return none
	}
	quiet, pinged := first(false), first(true)
	v.QuietCut, v.PingedCut = quiet.Lived, pinged.Lived
	switch {
	case pinged.End != nil && !pinged.End.ofStream():
		v.find(Hint, "CONNECTION_CUT", "a connection is cut after %s (%s) although PINGs are answered on it: perhaps a limit on its age", pinged.Lived, pinged.End)
	case pinged.End != nil:
		v.find(Hint, "STREAM_TIMER", "a stream without messages is cut after %s (%s) although PINGs are answered: a proxy's stream timer (nginx grpc_read_timeout, HAProxy timeout server). Only messages keep a stream alive here", pinged.Lived, pinged.End)
	case quiet.End != nil && slices.ContainsFunc(r.Pinged, func(q Quiet) bool { return q.End == nil && q.Lived > quiet.Lived }):
		v.find(Hint, "IDLE_TIMER", "a connection without any traffic is cut after %s (%s); PINGs keep it alive, and so do heartbeats", quiet.Lived, quiet.End)
	case quiet.End != nil:
		v.find(Hint, "IDLE_TIMER", "a connection without any traffic is cut after %s (%s)", quiet.Lived, quiet.End)
	}
	if forgotten > 0 {
		v.QuietCut = forgotten
		v.find(Hint, "PATH_FORGETS", "a connection that was silent for %s does not answer any more, without any notice (after %s it did): a firewall or NAT has dropped its state. Traffic within that time keeps it", forgotten, answered)
	}
	if len(cuts) == 0 && forgotten == 0 && len(r.Silent) > 0 && answered > 0 {
		v.find(Good, "NO_CUT", "nothing was cut for being quiet within %s; longer timers need --minutes", answered)
	}
}

// together says whether the streams ended at about the same time, not at the same age. As
// they began one after the other, a timer ends them one after the other.
func together(cuts []Quiet) bool {
	if len(cuts) < 3 { // Two are not enough to tell.
		return false
	}
	var ends, ages []Millis
	for _, q := range cuts {
		ends, ages = append(ends, q.Began+q.Lived), append(ages, q.Lived)
	}
	return 2*(slices.Max(ends)-slices.Min(ends)) < slices.Max(ages)-slices.Min(ages)
}

func (r *Report) judgeFeed() {
	v, f := &r.Verdict, r.Feed
	switch {
	case f == nil:
		v.find(Hint, "NOT_SIGNED_IN", "nobody is signed in: the feed itself was not examined")
		return
	case f.Error != "":
		v.find(Problem, "FEED_FAILED", "the feed does not work: %s", f.Error)
		return
	case f.Missing:
		v.find(Problem, "FEED_GAP", "responses of the feed went missing on the way; the client noticed and resumed")
	case f.Resumed != startReplay:
		v.find(Problem, "RESUME_FAILED", "a feed that was cut off did not resume where it had stopped (%q)", f.Resumed)
	default:
		v.find(Good, "FEED_RESUMES", "the feed was cut off and resumed within %s, nothing missing", f.ResumeTook)
	}
	if len(f.Cuts) == 0 {
		if f.Heartbeats > 0 {
			v.find(Good, "FEED_LIVES", "the feed stayed open for all of %s with its heartbeats; the longest silence was %s", f.Lived, f.Longest)
		}
		return
	}
	last := f.Cuts[len(f.Cuts)-1]
	level, after := Hint, ""
	if f.Heartbeat > 0 && len(f.Cuts) > 1 {
		level, after = Problem, "; heartbeats every "+f.Heartbeat.String()+" do not keep it alive"
	}
	v.find(level, "FEED_CUT", "the feed was cut %d times and came back, last after %s: %s %s%s", len(f.Cuts), last.Lived, last.Reason, last.Text, after)
}

// choose chooses settings that agree with the findings and with each other.
func (r *Report) choose() {
	v := &r.Verdict
	s := Settings{
		KeepaliveTime: usualKeepalive, KeepaliveTimeout: leastKeepalive,
		Heartbeat: usualHeartbeat, ProxyIdle: usualProxyIdle,
	}
	if r.Feed != nil && r.Feed.Heartbeat > 0 {
		s.Heartbeat = r.Feed.Heartbeat
	}
	timer := v.QuietCut
	if v.PingedCut > 0 && (timer == 0 || v.PingedCut < timer) {
		timer = v.PingedCut
	}
	if timer > 0 && s.Heartbeat*beats > timer+timer/20 { // What is measured is not exact.
		v.find(Hint, "HEARTBEAT_TOO_SLOW", "heartbeats every %s are too slow for a timer of %s: raise the timer, or send them every %s", s.Heartbeat, timer, timer/beats)
		s.Heartbeat = timer / beats
	}
	s.ProxyIdle = max(s.ProxyIdle, 2*beats*s.Heartbeat)
	if v.PingedCut > 0 && v.PingedCut < s.ProxyIdle {
		v.find(Hint, "RAISE_PROXY_TIMER", "raise the proxy's timer from %s to %s", v.PingedCut, s.ProxyIdle)
	}
	least := leastKeepalive
	if v.PingsAnsweredBy == AnsweredByVenue {
		least = max(least, 2*v.SmallestPing)
	}
	if v.QuietCut > 0 && v.PingedCut == 0 {
		s.KeepaliveTime = min(s.KeepaliveTime, v.QuietCut/2)
	}
	s.KeepaliveTime = max(s.KeepaliveTime, least)
	if v.QuietCut > 0 && v.PingedCut == 0 && s.KeepaliveTime >= v.QuietCut {
		v.find(Hint, "KEEPALIVE_TOO_SLOW", "no keepalive of a client is fast enough for %s: only heartbeats keep the connection", v.QuietCut)
	}
	v.Settings = s
}
