package bench

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// Kinds of work with feeds.
const (
	// WorkPush announces events to all clients and measures until the last has arrived.
	// Without a rate the next burst is announced when all but InFlight have arrived
	// everywhere: that finds the limit, and no queue grows.
	WorkPush = "push"
	// WorkIdle attaches clients that have nothing to receive, and measures what they
	// cost the server in memory: resident memory after Duration less what it was before
	// they came, by the number of TCP connections.
	WorkIdle = "idle"
	// WorkFreeze is WorkPush with one client that stops reading after Duration, for Span
	// or until the server has ended its stream, while the events go on; then it comes
	// back and resumes. It needs a rate and a connection for each stream.
	WorkFreeze = "freeze"
	// WorkFreezeMemory measures what a client that stops reading costs the server in
	// memory: after Warmup and Duration one client stops reading until its stream is
	// ended, and comes back; after a control of the same length the next one does, and so
	// on for Rounds. A stream that is not ended within Span is an error.
	WorkFreezeMemory = "freeze-memory"
	// WorkStorm cuts all connections at once, announces Missed events while all clients
	// are away, lets all come back at once, each resuming after what it received last,
	// and measures until every client has every event. Rate, Burst and times mean
	// nothing here.
	WorkStorm = "storm"
)

// PushConfig says what to do with feeds. The zero value of a field takes the default that
// is named beside it.
type PushConfig struct {
	// Row is the name of the work in the published table.
	Row string
	// Work is one of the constants above; WorkPush.
	Work string
	// Target is the server. It must serve without TLS. One that was started for the
	// benchmark is started anew before memory is measured.
	Target Target
	// Streams is how many clients are attached, 1 to 30,000; 1,000.
	Streams int
	// Connections is how many TCP connections they share; one for each.
	Connections int
	// Rate is how many events a second are due; 0 for as many as possible.
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
	// Duration is the measured time, at most 10 min; 10 s.
	Duration time.Duration
	// Frozen is the way in which clients freeze; FrozenWindow.
	Frozen Frozen
	// Span is the longest that a client stays frozen; a minute.
	Span time.Duration
	// Rounds is how many clients freeze one after the other in WorkFreezeMemory, 1 to
	// 25; 5.
	Rounds int
	// Missed is how many events are missed in WorkStorm; 20.
	Missed int
}

const (
	// streamsPerUser is how many clients share a user and its session. A session may not
	// have more, and with fewer, hashing passwords would take most of the time.
	streamsPerUser = 50
	maxStreams     = 30_000
	minPayload     = eventHead
	maxPayload     = 1000
	maxRounds      = 25
	// opensAtOnce is how many connections are asked for at a time.
	opensAtOnce = 16
	// drainDeadline is how long after the last event a delivery may arrive.
	drainDeadline = 10 * time.Second
)

func (c PushConfig) withDefaults() (PushConfig, error) {
	c.Work, c.Frozen, c.Span = cmp.Or(c.Work, WorkPush), cmp.Or(c.Frozen, FrozenWindow), cmp.Or(c.Span, time.Minute)
	c.Rounds, c.Missed = cmp.Or(c.Rounds, 5), cmp.Or(c.Missed, 20)
	c.Streams, c.Burst, c.Payload = cmp.Or(c.Streams, 1000), cmp.Or(c.Burst, 1), cmp.Or(c.Payload, 200)
	c.Connections = cmp.Or(c.Connections, c.Streams)
	c.Warmup, c.Duration = cmp.Or(c.Warmup, standardWarmup), cmp.Or(c.Duration, standardDuration)
	if c.Work == WorkStorm {
		c.Rate, c.Burst, c.InFlight = 0, c.Missed, 1 // The missed events are one burst.
	}
	if c.InFlight == 0 {
		if c.InFlight = 2; c.Burst == 1 {
			c.InFlight = 8
		}
	}
	return c, cmp.Or(
		must(works()[c.Work] != nil, "no work is called %q", c.Work),
		must(c.Target.Venue.Plaintext, "feeds are measured without TLS"),
		within("streams", c.Streams, 1, maxStreams),
		within("connections, at most one for each stream", c.Connections, 1, c.Streams),
		within("events in a burst", c.Burst, 1, unanswered),
		within("bursts in flight", c.InFlight, 1, unanswered),
		within("bytes of payload", c.Payload, minPayload, maxPayload),
		validTimes(c.Rate, c.Warmup, c.Duration),
		c.validFreezing(),
		must(c.Target.PID != 0 || c.Work != WorkIdle && c.Work != WorkFreezeMemory, "memory can be measured only with the server's process id"),
	)
}

// works returns the functions that do each work.
func works() map[string]func(*pushRun, context.Context) (Result, error) {
	return map[string]func(*pushRun, context.Context) (Result, error){
		WorkPush: (*pushRun).push, WorkIdle: (*pushRun).idle, WorkStorm: (*pushRun).storm,
		WorkFreeze: (*pushRun).freeze, WorkFreezeMemory: (*pushRun).freezeMemory,
	}
}

// Push makes users on a server, as its administrator, and does the work of config with
// them. Users of an earlier benchmark get new passwords.
//
// The error says why there is no result; a result with lost events is a result.
func Push(ctx context.Context, config PushConfig) (Result, error) {
	config, err := config.withDefaults()
	if err != nil {
		return Result{}, err
	}
	r, err := newPushRun(ctx, config)
	if err != nil {
		return Result{}, err
	}
	defer r.close()
	return works()[config.Work](r, ctx)
}

// pushRun is a set of clients and what they receive.
type pushRun struct {
	config    PushConfig
	run       string
	admin     *session
	users     []*session
	clients   *clients
	tally     *tally
	meter     *meter
	publisher *publisher // set by load
}

// newPushRun signs in and asks for a connection for each client. Nothing is
// attached yet. The caller must close it.
func newPushRun(ctx context.Context, config PushConfig) (_ *pushRun, err error) {
	to, err := net.ResolveTCPAddr("tcp", config.Target.Venue.Address)
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
	if err := r.signIn(ctx); err != nil {
		return nil, err
	}
	if err := r.prepareFeeds(ctx); err != nil {
		return nil, err
	}
	return r, r.restart(ctx)
}

// signIn makes the users and signs all in.
func (r *pushRun) signIn(ctx context.Context) error {
	on := r.config.Target
	admins, err := signIn(ctx, on.Venue, on.Admin)
	if err != nil {
		return err
	}
	r.admin = admins[0]
	users, err := createUsers(ctx, r.admin.client.Admin(), (r.config.Streams+streamsPerUser-1)/streamsPerUser, r.run)
	if err != nil {
		return err
	}
	r.users, err = signIn(ctx, on.Venue, users...)
	return err
}

// restart restarts the server if memory is measured: for a moment, signing in needs much
// of it.
func (r *pushRun) restart(ctx context.Context) (err error) {
	own := r.config.Target.own
	switch work := r.config.Work; {
	case own == nil || work != WorkIdle && work != WorkFreezeMemory:
	case work == WorkIdle:
		err = own.restart(ctx)
	default:
		err = own.restart(ctx, littleGarbage()...)
	}
	if own != nil {
		r.config.Target.PID = own.PID
	}
	r.meter = &meter{pid: r.config.Target.PID}
	return err
}

// prepareFeeds asks the venue for connections and spreads them over TCP connections.
func (r *pushRun) prepareFeeds(ctx context.Context) error {
	c := r.clients
	c.feeds = make([]*feed, r.config.Streams)
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(opensAtOnce)
	for i := range c.feeds {
		group.Go(func() error {
			reply, err := r.userOf(i).client.Sessions().OpenConnection(asking, &todokuv1.OpenConnectionRequest{})
			if err != nil {
				return fmt.Errorf("bench: connection: %w", err)
			}
			venue, token := r.config.Target.Venue, r.userOf(i).token
			c.feeds[i] = &feed{
				id: reply.GetConnectionId(), tally: r.tally,
				attachHeaders:      encodeHeaders(venue, todokuv1.NotificationService_FeedNotification_FullMethodName, token, false),
				acknowledgeHeaders: encodeHeaders(venue, todokuv1.NotificationService_AcknowledgeNotifications_FullMethodName, token, true),
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for key := range r.config.Connections {
		first, end := key*r.config.Streams/r.config.Connections, (key+1)*r.config.Streams/r.config.Connections
		c.conns = append(c.conns, &feedConn{feeds: c.feeds[first:end], window: feedWindow, socket: noSocket})
	}
	return nil
}

// userOf returns the session of a feed.
func (r *pushRun) userOf(feed int) *session { return r.users[feed/streamsPerUser] }

func (r *pushRun) close() {
	r.clients.close()
	closeAll(append(slices.Clone(r.users), r.admin))
}

// push is [WorkPush].
func (r *pushRun) push(ctx context.Context) (Result, error) {
	if err := r.clients.attach(ctx); err != nil {
		return Result{}, err
	}
	if err := r.load(ctx, 0, func() (bool, error) { return false, nil }); err != nil {
		return Result{}, err
	}
	return r.result(), nil
}

// load announces events and reads until the last has arrived. After the measured time it
// goes on for extra, until enough, which is called between reads, returns true.
func (r *pushRun) load(ctx context.Context, extra time.Duration, enough func() (bool, error)) error {
	p, err := newPublisher(ctx, r, r.config.Rate == 0)
	if err != nil {
		return err
	}
	r.publisher = p
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
	group.Go(func() error { return r.meter.between(running, plan.measure, measured) })
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
		_, err := r.clients.until(running, r.clients.now()+drainDeadline, r.whole)
		return err
	})
	return group.Wait()
}

// whole says whether what was acknowledged has arrived everywhere.
func (r *pushRun) whole() bool {
	return r.tally.whole(r.publisher.outcome())
}

// result sums a run up.
func (r *pushRun) result() Result {
	t := r.tally
	result := r.blank()
	result.Burst, result.Payload, result.Offered = r.config.Burst, r.config.Payload, r.config.Rate
	result.Deliveries = t.deliveries
	result.DeliveriesPerSecond = float64(t.deliveries) / result.Seconds
	if t.responses > 0 {
		result.PerResponse = float64(t.deliveries) / float64(t.responses)
	}
	result.P50, result.P99, result.P999, result.Most = t.latency.summary()
	result.cpu(r.meter, result.Deliveries)
	r.verify(&result)
	if r.config.Rate > 0 {
		_, result.LateP99, _, _ = r.publisher.late.summary()
	} else {
		result.InFlight = r.config.InFlight
	}
	return result
}

// blank is a result with what does not depend on arrivals.
func (r *pushRun) blank() Result {
	result := Result{
		Work: r.config.Work, Row: r.config.Row, Server: r.config.Target.Name,
		Streams: r.config.Streams, Connections: r.config.Connections,
		Seconds: r.config.Duration.Seconds(), Load: loadAverage(), Ended: r.clients.ends,
	}
	if r.clients.firstEnd != nil {
		result.FirstEnd = r.clients.firstEnd.Error()
	}
	return result
}

// verify compares what arrived with what was acknowledged. The run must be over.
func (r *pushRun) verify(result *Result) {
	sent, acked := r.publisher.outcome()
	lost, duplicated := uint64(0), r.tally.duplicated
	for _, f := range r.clients.feeds {
		for n := range sent {
			if acked.has(n) && !f.seen.has(n) {
				lost++
			}
		}
	}
	result.Events, result.Lost, result.Duplicated = sent, &lost, &duplicated
	result.Disordered, result.Broken, result.Resets = r.tally.disordered, r.tally.broken, r.tally.resets
	if result.Failed = r.publisher.failed; r.publisher.firstErr != nil {
		result.FirstFailure = r.publisher.firstErr.Error()
	}
}

// idle is [WorkIdle].
func (r *pushRun) idle(ctx context.Context) (Result, error) {
	before, err := processMemory(r.config.Target.PID)
	if err != nil {
		return Result{}, err
	}
	if err := r.clients.attach(ctx); err != nil {
		return Result{}, err
	}
	never := func() bool { return false }
	if _, err := r.clients.until(ctx, r.clients.now()+r.config.Duration, never); err != nil {
		return Result{}, err
	}
	after, err := processMemory(r.config.Target.PID)
	if err != nil {
		return Result{}, err
	}
	each := (after - before) / int64(r.config.Connections)
	result := r.blank()
	result.IdleBytes = &each
	return result, nil
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
