package doctor

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// reported returns the judged report of an ordinary path after a change.
func reported(change func(*Report)) *Report {
	seconds := func(n int) Millis { return Millis(time.Duration(n) * time.Second) }
	r := &Report{
		Addresses: []Address{{Address: "192.0.2.1:7443", Connect: 1}},
		HTTP2:     &HTTP2{MaxConcurrentStreams: 100},
		RoundTrips: RoundTrips{
			Pings:  Spread{Count: 50, P50: Millis(20 * time.Millisecond)},
			Calls:  Spread{Count: 50, Min: Millis(21 * time.Millisecond)},
			Health: &End{How: ByStatus, Code: "OK"},
		},
		Pinged: []Quiet{
			{PingEvery: seconds(1), Answered: 4, Lived: seconds(4), End: &End{How: ByGoAway, Code: "ENHANCE_YOUR_CALM", Debug: "too_many_pings"}},
			{PingEvery: seconds(6), Answered: 19, Lived: seconds(120), Began: seconds(1)},
		},
		Silent: []Quiet{
			{AskAfter: seconds(60), Lived: seconds(60), Began: seconds(2)},
			{AskAfter: seconds(120), Lived: seconds(120), Began: seconds(3)},
		},
		Feed: &Feed{Heartbeat: seconds(5), Resumed: startReplay, Heartbeats: 23, Lived: seconds(120)},
	}
	change(r)
	r.judge()
	return r
}

// TestFindingsFollowFromTheReport judges reports of paths that are hard or slow
// to build.
func TestFindingsFollowFromTheReport(t *testing.T) {
	const second = Millis(time.Second)
	minutes := func(n time.Duration) Millis { return Millis(n * time.Minute) }
	usual := []string{"TOO_MANY_PINGS", "PINGS_REACH_VENUE", "NO_CUT", "FEED_RESUMES", "FEED_LIVES"}
	standard := Settings{KeepaliveTime: 20 * second, KeepaliveTimeout: 10 * second, Heartbeat: 5 * second, ProxyIdle: 90 * second}
	with := func(change func(*Settings)) Settings {
		s := standard
		change(&s)
		return s
	}
	closed := &End{How: ByClose}
	cases := map[string]struct {
		change   func(*Report)
		want     []string
		good     bool
		settings Settings
	}{
		"an ordinary path": {func(*Report) {}, usual, true, standard},
		"a restart is not a timer": {func(r *Report) {
			for _, q := range []*Quiet{&r.Pinged[1], &r.Silent[0], &r.Silent[1]} {
				q.End, q.Lived = closed, 30*second-q.Began
			}
		}, []string{"TOO_MANY_PINGS", "PINGS_REACH_VENUE", "CUT_TOGETHER", "FEED_RESUMES", "FEED_LIVES"}, true, standard},
		"a connection timer of 30 s": {func(r *Report) {
			for i := range r.Silent {
				r.Silent[i].End, r.Silent[i].Lived = closed, 30*second
			}
		}, []string{"TOO_MANY_PINGS", "PINGS_REACH_VENUE", "IDLE_TIMER", "FEED_RESUMES", "FEED_LIVES"}, true, with(func(s *Settings) { s.KeepaliveTime = 15 * second })},
		"a stream timer of 12 s": {func(r *Report) {
			r.Pinged = r.Pinged[1:]
			r.Pinged[0].End, r.Pinged[0].Lived, r.Pinged[0].Survived = &End{How: ByReset}, 12*second, true
		}, []string{"PINGS_ANSWERED_NEARER", "STREAM_TIMER", "FEED_RESUMES", "FEED_LIVES", "HEARTBEAT_TOO_SLOW", "RAISE_PROXY_TIMER"}, true, with(func(s *Settings) { s.Heartbeat = 4 * second })},
		"connections have an age": {func(r *Report) {
			r.Pinged[1].End, r.Pinged[1].Lived = closed, 100*second
			r.Silent[1].End, r.Silent[1].Lived = closed, 100*second
		}, []string{"TOO_MANY_PINGS", "PINGS_REACH_VENUE", "CONNECTION_CUT", "FEED_RESUMES", "FEED_LIVES"}, true, standard},
		"an old venue accepts PINGs every 5 minutes": {func(r *Report) {
			r.Pinged[1].PingEvery = minutes(5)
		}, usual, true, with(func(s *Settings) { s.KeepaliveTime = minutes(10) })},
		"no interval is tolerated": {func(r *Report) { r.Pinged = r.Pinged[:1] }, usual, true, standard},
		"a proxy near the client": {func(r *Report) {
			r.Pinged = nil
			r.RoundTrips.Pings.P50 = Millis(300 * time.Microsecond)
		}, []string{"PINGS_ANSWERED_NEARER", "NO_CUT", "FEED_RESUMES", "FEED_LIVES"}, true, standard},
		"a busy server is not a proxy": {func(r *Report) {
			r.Pinged = nil
			r.RoundTrips.Pings.P50, r.RoundTrips.Calls.Min = Millis(20*time.Microsecond), Millis(900*time.Microsecond)
		}, []string{"NO_CUT", "FEED_RESUMES", "FEED_LIVES"}, true, standard},
		"the feed is cut although it has heartbeats": {func(r *Report) {
			r.Feed.Cuts = []FeedCut{{Reason: "CONNECT_LOST", Lived: 30 * second}, {Reason: "CONNECT_LOST", Lived: 30 * second}}
		}, []string{"TOO_MANY_PINGS", "PINGS_REACH_VENUE", "NO_CUT", "FEED_RESUMES", "FEED_CUT"}, false, standard},
		"something is missing": {func(r *Report) { r.Feed.Missing = true }, []string{"TOO_MANY_PINGS", "PINGS_REACH_VENUE", "NO_CUT", "FEED_GAP", "FEED_LIVES"}, false, standard},
		"no resume":            {func(r *Report) { r.Feed.Resumed = "RESET" }, []string{"TOO_MANY_PINGS", "PINGS_REACH_VENUE", "NO_CUT", "RESUME_FAILED", "FEED_LIVES"}, false, standard},
		"refused":              {func(r *Report) { r.Feed.Error = "no" }, []string{"TOO_MANY_PINGS", "PINGS_REACH_VENUE", "NO_CUT", "FEED_FAILED"}, false, standard},
		"nobody":               {func(r *Report) { r.Feed = nil }, []string{"TOO_MANY_PINGS", "PINGS_REACH_VENUE", "NO_CUT", "NOT_SIGNED_IN"}, true, standard},
		"around the path": {func(r *Report) {
			r.EnvironmentProxy, r.HTTP2.MaxConcurrentStreams = "http://proxy:3128", 1
			r.Addresses = append(r.Addresses, Address{Address: "[2001:db8::1]:7443", Error: "no route to host"})
			r.TLS = &TLS{Expires: time.Now().Add(time.Hour)}
		}, append([]string{"ENVIRONMENT_PROXY", "ADDRESS_FAILS", "CERTIFICATE_EXPIRES", "FEW_STREAMS"}, usual...), true, standard},
		"not there": {func(r *Report) { *r = Report{failed: errors.New("no such host")} }, []string{"UNREACHABLE"}, false, standard},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := reported(c.change)
			var got []string
			for _, f := range r.Verdict.Findings {
				got = append(got, f.Code)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
			if r.Verdict.Good() != c.good {
				t.Errorf("good is %t", r.Verdict.Good())
			}
			if r.Verdict.Settings != c.settings {
				t.Errorf("settings %+v, want %+v", r.Verdict.Settings, c.settings)
			}
		})
	}
}

func TestSilencesEndWithTheWholeTimeAndAreBounded(t *testing.T) {
	for _, whole := range []time.Duration{time.Second, 2 * time.Minute, time.Hour} {
		chosen := silences(whole)
		if !slices.IsSorted(chosen) || len(chosen) > mostProbes || chosen[len(chosen)-1] != whole {
			t.Errorf("of %s: %s", whole, chosen)
		}
	}
}
