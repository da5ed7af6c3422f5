package bench

import (
	"context"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// PushConfig says how to load a venue with clients and events. The zero value of a
// field takes the default that is named beside it.
type PushConfig struct {
	// Venue is where the venue is. It must serve without TLS.
	Venue client.Config
	// Admin announces the events.
	Admin Credentials
	// Users are the clients' users; see [PrepareUsers] and [StreamsPerUser].
	Users []Credentials
	// Streams is how many clients are attached, 1 to 30,000; 1,000.
	Streams int
	// Connections is how many TCP connections they share; one for each.
	Connections int
	// Rate is how many events a second are due; 0 for as many as go.
	Rate int
	// Burst is how many events are submitted at once, 1 to 1,000; 1.
	Burst int
	// InFlight bounds, where there is no rate, the bursts that have not arrived at
	// every client; 8 for single events, 2 otherwise. It decides how much there is to
	// gather: with 1 every event is a send of its own.
	InFlight int
	// Payload is the length of an event's text, 40 to 1,000 bytes; 200.
	Payload int
	// Warmup passes before anything is measured; 1 s.
	Warmup time.Duration
	// Duration is how long is measured, at most 10 min; 10 s.
	Duration time.Duration
	// Self is a binary that has "bench stand-in", for [FrozenApplication] and
	// [FrozenProcess].
	Self string
	// ServerPID is the venue's process on this machine, whose CPU and memory are
	// measured; 0 to leave that out.
	ServerPID int
}

const (
	// StreamsPerUser is how many clients share a user and its session: with fewer,
	// more passwords are hashed than a benchmark is worth; more, a session may not
	// have.
	StreamsPerUser = 50
	maxStreams     = 30_000
	minPayload     = eventHead
	maxPayload     = 1000
	// opensAtOnce is how many connections are asked for at a time.
	opensAtOnce = 16
	// drainDeadline is how long after the last event an arrival may be.
	drainDeadline = 10 * time.Second
)

func (c PushConfig) withDefaults() (PushConfig, error) {
	for _, d := range []struct {
		value    *int
		standard int
	}{{&c.Streams, 1000}, {&c.Burst, 1}, {&c.Payload, 200}} {
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
	if c.InFlight == 0 {
		const single, several = 8, 2
		if c.InFlight = single; c.Burst > 1 {
			c.InFlight = several
		}
	}
	if c.Connections == 0 {
		c.Connections = c.Streams
	}
	if c.Warmup == 0 {
		c.Warmup = time.Second
	}
	if c.Duration == 0 {
		c.Duration = 10 * time.Second
	}
	for _, check := range []struct {
		bad  bool
		text string
	}{
		{!c.Venue.Plaintext, "feeds are measured without TLS"},
		{c.Streams < 1 || c.Streams > maxStreams, "1 to 30,000 streams"},
		{c.Connections < 1 || c.Connections > c.Streams, "at least one connection and at most one for each stream"},
		{c.Rate < 0, "a rate is not negative"},
		{c.Burst < 1 || c.Burst > unanswered, "1 to 1,000 events in a burst"},
		{c.InFlight < 1 || c.InFlight > unanswered, "1 to 1,000 bursts in flight"},
		{c.Payload < minPayload || c.Payload > maxPayload, "40 to 1,000 bytes of payload"},
		{c.Warmup < 0 || c.Duration < 0 || c.Warmup+c.Duration > maxDuration, "at most 10 minutes"},
		{len(c.Users)*StreamsPerUser < c.Streams, fmt.Sprintf("a user for every %d streams", StreamsPerUser)},
	} {
		if check.bad {
			return c, fmt.Errorf("%w: %s", ErrConfig, check.text)
		}
	}
	return c, nil
}

// Push attaches clients to a venue, announces events to all of them and measures
// until the last has arrived. Without a rate the next burst is announced when all
// but InFlight have arrived everywhere: that finds the limit, and no queue grows.
//
// The error says why there is no result; a result with lost events is a result.
func Push(ctx context.Context, config PushConfig) (PushResult, error) {
	r, err := newPushRun(ctx, config)
	if err != nil {
		return PushResult{}, err
	}
	defer r.close()
	if err := r.clients.attach(ctx); err != nil {
		return PushResult{}, err
	}
	meter := newMeter(r.config.ServerPID)
	p, err := r.load(ctx, meter, 0, func() (bool, error) { return false, nil })
	if err != nil {
		return PushResult{}, err
	}
	return r.result("push", p, meter), nil
}

// pushRun is a set of clients and what they receive.
type pushRun struct {
	config  PushConfig
	run     string
	admin   *sessions
	users   *sessions
	clients *clients
	tally   *tally
}

// newPushRun signs in and asks for a connection for each client. Nothing is
// attached yet. The caller must close it.
func newPushRun(ctx context.Context, config PushConfig) (_ *pushRun, err error) {
	config, err = config.withDefaults()
	if err != nil {
		return nil, err
	}
	to, err := net.ResolveTCPAddr("tcp", config.Venue.Address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	poller, err := newPoller()
	if err != nil {
		return nil, err
	}
	r := &pushRun{config: config, run: client.NewRequestID()[:runLength]}
	r.tally = &tally{run: r.run, need: uint32(config.Streams)}
	r.clients = &clients{poller: poller, to: to, tally: r.tally, start: time.Now()}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.admin, err = signIn(ctx, config.Venue, []Credentials{config.Admin}); err != nil {
		return nil, err
	}
	users := (config.Streams + StreamsPerUser - 1) / StreamsPerUser
	if r.users, err = signIn(ctx, config.Venue, config.Users[:users]); err != nil {
		return nil, err
	}
	return r, r.prepareFeeds(ctx)
}

// prepareFeeds asks the venue for connections and spreads them over TCP's.
func (r *pushRun) prepareFeeds(ctx context.Context) error {
	r.clients.feeds = make([]*feed, r.config.Streams)
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(opensAtOnce)
	for i := range r.clients.feeds {
		group.Go(func() error {
			reply, err := r.userOf(i).client.Sessions().OpenConnection(asking, &todokuv1.OpenConnectionRequest{})
			if err != nil {
				return fmt.Errorf("bench: connection: %w", err)
			}
			r.clients.feeds[i] = &feed{id: reply.GetConnectionId(), tally: r.tally}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	each := r.config.Streams / r.config.Connections
	over := r.config.Streams % r.config.Connections
	first := 0
	for key := range r.config.Connections {
		n := each
		if key < over {
			n++
		}
		conn := &feedConn{feeds: r.clients.feeds[first : first+n], window: feedWindow, socket: noSocket}
		for i := range n {
			conn.headers = append(conn.headers, r.headers(first+i))
		}
		r.clients.conns = append(r.clients.conns, conn)
		first += n
	}
	return nil
}

// userOf returns the session of a feed.
func (r *pushRun) userOf(feed int) *session { return r.users.users[feed/StreamsPerUser] }

// headers are those of a feed's requests.
func (r *pushRun) headers(feed int) feedHeaders {
	scheme, authority, token := schemeOf(r.config.Venue), r.config.Venue.Address, r.userOf(feed).token()
	return feedHeaders{
		feed:        encodeHeaders(scheme, authority, todokuv1.NotificationService_FeedNotification_FullMethodName, token, false),
		acknowledge: encodeHeaders(scheme, authority, todokuv1.NotificationService_AcknowledgeNotifications_FullMethodName, token, true),
	}
}

func (r *pushRun) close() {
	r.clients.close()
	for _, s := range []*sessions{r.admin, r.users} {
		if s != nil {
			s.close()
		}
	}
}

// load announces events, reads until the last has arrived, and returns who
// announced them. After the measured time it goes on for extra, until enough, which
// is asked again and again between reads, says so.
func (r *pushRun) load(ctx context.Context, meter *meter, extra time.Duration, enough func() (bool, error)) (*publisher, error) {
	inFlight := r.config.InFlight
	if r.config.Rate > 0 {
		inFlight = 0
	}
	p, err := newPublisher(ctx, r.config.Venue, r.admin.users[0], r.run, r.clients.start, r.config.Payload, r.config.Burst, inFlight)
	if err != nil {
		return nil, err
	}
	plan := newSchedule(time.Now(), r.config.Warmup, r.config.Duration+extra, r.config.Rate, r.config.Burst)
	measured := plan.measure.Add(r.config.Duration)
	r.tally.measure, r.tally.end = plan.measure.Sub(r.clients.start), measured.Sub(r.clients.start)
	r.tally.complete = p.arrived
	halt, stop := context.WithCancel(ctx)
	defer stop()
	group, running := errgroup.WithContext(ctx)
	published := make(chan struct{})
	group.Go(func() error {
		defer close(published)
		return p.publish(running, halt, plan)
	})
	group.Go(func() error { return meter.between(running, plan.measure, measured) })
	group.Go(func() error {
		for !closed(published) {
			if err := r.clients.poll(running, pollWait); err != nil {
				return err
			}
			over, err := enough()
			if err != nil {
				return err
			}
			if over {
				stop()
			}
		}
		return r.drain(running, p)
	})
	return p, group.Wait()
}

// drain reads until what was acknowledged has arrived everywhere, or will not.
func (r *pushRun) drain(ctx context.Context, p *publisher) error {
	sent, acked := p.outcome()
	_, err := r.clients.until(ctx, r.clients.now()+drainDeadline, func() bool { return r.tally.whole(sent, acked) })
	return err
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
