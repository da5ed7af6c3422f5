// Package doctor examines what lies between a client and a venue: names,
// addresses, TLS, HTTP/2, proxies that answer PINGs themselves, timers that cut
// quiet streams, and whether the feed lives through all of it.
//
// It measures the path instead of trusting settings. Its own raw HTTP/2 connections
// carry streams on which nothing is sent (Watch of grpc.health.v1, which sends a message
// only when something changes), some with PINGs at different intervals, some without any;
// beside them runs the feed with its heartbeats. Which streams are cut, when and how shows
// which timers there are and what keeps a stream alive.
//
// An examination ends by itself and opens at most 20 connections at once, the two of the
// client included. It places no orders; at the venue it only opens a connection of the
// session and attaches to it.
package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"todoku/client"
)

// ErrUnreachable says that no address of the venue could be connected to, or that
// what answered there does not speak HTTP/2. The report has the steps that succeeded.
var ErrUnreachable = errors.New("doctor: the venue cannot be reached")

// ErrConfig says that an examination cannot be made as asked.
var ErrConfig = errors.New("doctor: settings")

// ErrNoSession is what SignIn returns, wrapped, when no user is signed in. The path is
// then examined without the feed; this is not reported as a problem.
var ErrNoSession = errors.New("doctor: nobody is signed in")

// Config says what to examine and for how long. A field that is zero has the default that
// is named beside it.
type Config struct {
	// Address is host:port of the venue's gRPC port.
	Address string
	// TLS is used unless Plaintext is set; nil verifies the host by the system's roots.
	TLS       *tls.Config
	Plaintext bool
	// SignIn returns a client that is signed in at the address. It is called once the
	// path is known to work; without it the feed is not examined. The caller closes the client.
	SignIn func(context.Context) (*client.Client, error)
	// Duration is how long streams are watched; 2 min. Timers that are longer are not
	// found. The other steps take some seconds more.
	Duration time.Duration
	// Rounds is how many PINGs and calls are measured; 50.
	Rounds int
	// PingEvery are the intervals at which quiet connections send PINGs, at most 7. By
	// default those up to 30 s for which Duration is long enough.
	PingEvery []time.Duration
	// Silences are the times after which silent connections are tested, at most 7. By
	// default up to Duration, which is the longest.
	Silences []time.Duration
	// Patience is how long an answer may take; 10 s.
	Patience time.Duration
	// Progress is called with each step, in one line, not concurrently; may be nil.
	Progress func(string)
}

const (
	standardRounds = 50
	// mostProbes bounds each kind of quiet connection. One connection that measures round
	// trips and the client's two are open beside them.
	mostProbes = 7
	// strikes is how many answered PINGs show that an interval is tolerated. grpc-go ends a
	// connection at the third PING that comes too early; the first PING after a message is
	// never too early, and the third one is still answered.
	strikes = 5
)

// withDefaults returns the settings with every default taken, or ErrConfig.
func (c Config) withDefaults() (Config, error) {
	c.Duration, c.Patience = cmp.Or(c.Duration, 2*time.Minute), cmp.Or(c.Patience, 10*time.Second)
	c.Rounds = cmp.Or(c.Rounds, standardRounds)
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	if _, _, err := net.SplitHostPort(c.Address); err != nil {
		return c, fmt.Errorf("%w: %q is not host:port", ErrConfig, c.Address)
	}
	if c.Duration <= 0 || c.Rounds < 0 || c.Patience <= 0 {
		return c, fmt.Errorf("%w: durations and the number of rounds must not be negative", ErrConfig)
	}
	if c.PingEvery == nil {
		for _, every := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 6 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second} {
			if every*(strikes+1) <= c.Duration {
				c.PingEvery = append(c.PingEvery, every)
			}
		}
	}
	if c.Silences == nil {
		c.Silences = silences(c.Duration)
	}
	if len(c.PingEvery) > mostProbes || len(c.Silences) > mostProbes {
		return c, fmt.Errorf("%w: too many quiet connections: at most %d PING intervals and %d silences", ErrConfig, mostProbes, mostProbes)
	}
	for _, d := range slices.Concat(c.PingEvery, c.Silences) {
		if d <= 0 || d > c.Duration {
			return c, fmt.Errorf("%w: %s is not between 0 and the duration of %s", ErrConfig, d, c.Duration)
		}
	}
	return c, nil
}

// silences returns the times after which silent connections are tested: the whole time, and
// the usual timers of firewalls and balancers within it.
func silences(whole time.Duration) []time.Duration {
	common := []time.Duration{
		30 * time.Minute, 15 * time.Minute, 10 * time.Minute, 350 * time.Second, 4 * time.Minute, 150 * time.Second,
		100 * time.Second, time.Minute, 30 * time.Second, 15 * time.Second, 5 * time.Second,
	}
	chosen := []time.Duration{whole}
	for _, s := range common {
		s += s / 50 // A timer of a minute ends a little later.
		if s < whole && len(chosen) < mostProbes {
			chosen = append(chosen, s)
		}
	}
	slices.Reverse(chosen)
	return chosen
}

// Examine examines the path and reports what it found. It returns after Duration and some
// seconds, or when ctx ends. A report also comes with ErrUnreachable.
func Examine(ctx context.Context, config Config) (*Report, error) {
	c, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	x := &examination{config: c, report: &Report{Address: c.Address, Plaintext: c.Plaintext}}
	x.report.EnvironmentProxy = environmentProxy(c.Address)
	if err = x.reach(ctx); err != nil {
		x.report.failed, err = err, fmt.Errorf("%w: %w", ErrUnreachable, err)
	} else {
		x.roundTrips(ctx)
		x.watch(ctx)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	x.report.judge()
	return x.report, err
}

type examination struct {
	config Config
	report *Report
	target string // the first address that speaks HTTP/2

	saying sync.Mutex // held while Progress is called
}

func (x *examination) say(format string, args ...any) {
	x.saying.Lock()
	defer x.saying.Unlock()
	x.config.Progress(fmt.Sprintf(format, args...))
}

// watch runs the feed and the quiet connections, all at once.
func (x *examination) watch(ctx context.Context) {
	c := &x.config
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { x.report.Feed = x.feed(ctx) })
	if !x.report.RoundTrips.Health.ok() {
		return // There is no stream to keep quiet.
	}
	x.say("watching %d quiet connections with PINGs and %d without for %s", len(c.PingEvery), len(c.Silences), c.Duration)
	// They start one after the other. Streams that end at the same age were ended by a
	// timer; streams that end at the same moment were not.
	stagger := min(c.Duration/100, 500*time.Millisecond)
	start, wait := time.Now(), time.Duration(0)
	watch := func(q *Quiet) {
		after := wait
		all.Go(func() { x.quiet(ctx, start, after, q) })
		wait += stagger
	}
	x.report.Pinged, x.report.Silent = make([]Quiet, len(c.PingEvery)), make([]Quiet, len(c.Silences))
	for i, every := range c.PingEvery {
		x.report.Pinged[i].PingEvery = Millis(every)
		watch(&x.report.Pinged[i])
	}
	for i, silence := range c.Silences {
		x.report.Silent[i].AskAfter = Millis(silence)
		watch(&x.report.Silent[i])
	}
}
