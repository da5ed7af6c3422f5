package bench

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/encoding/protowire"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// Field numbers of AnnounceRequest.
const (
	announceRequest = 1
	announceText    = 2
)

const (
	// answersDeadline is how long after the last request its answer may come.
	answersDeadline = 10 * time.Second
	// unanswered bounds the requests without an answer where there is a rate to keep.
	unanswered = 1000
)

// errNoAnswers says that the venue did not answer in time. Other errors are worth
// more: this one ends a run whose requests are counted as failed.
var errNoAnswers = errors.New("bench: announcements without an answer")

// publisher makes the events of a run: announcements through the public API, each
// in the journal before it is pushed. Those of a burst are written at once, so that
// the venue may journal them together.
type publisher struct {
	run     string
	payload int
	burst   int
	start   time.Time
	conn    *http2Conn
	headers []byte
	// tokens are the events that may be submitted now.
	tokens chan struct{}
	// closedLoop returns a token when an event has arrived everywhere, not when it
	// was answered.
	closedLoop bool

	mu       sync.Mutex // protects what follows
	sent     uint64
	acked    numberSet
	answers  uint64
	failed   uint64
	firstErr error
	late     histogram
}

// newPublisher connects as an administrator. inFlight bounds a closed loop, in
// bursts; 0 makes an open one.
func newPublisher(ctx context.Context, venue client.Config, admin *session, run string, start time.Time, payload, burst, inFlight int) (*publisher, error) {
	conn, err := dialLight(ctx, venue)
	if err != nil {
		return nil, err
	}
	p := &publisher{run: run, payload: payload, burst: burst, start: start, closedLoop: inFlight > 0}
	p.headers = encodeHeaders(schemeOf(venue), venue.Address, todokuv1.AdminService_Announce_FullMethodName, admin.token(), true)
	limit := max(unanswered, burst)
	if p.closedLoop {
		limit = inFlight * burst
	}
	p.tokens = make(chan struct{}, limit)
	for range limit {
		p.tokens <- struct{}{}
	}
	if p.conn, err = newHTTP2Conn(conn, p.done); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return p, nil
}

func schemeOf(venue client.Config) string {
	if venue.Plaintext {
		return "http"
	}
	return "https"
}

// publish carries a schedule out and returns when the last answer has come, or has
// not for too long. It may be called once. Ending halt ends it early.
func (p *publisher) publish(ctx, halt context.Context, plan *schedule) error {
	defer p.conn.conn.Close() //nolint:errcheck // Everything has been read.
	ctx, cancel := context.WithDeadlineCause(ctx, plan.end.Add(answersDeadline), errNoAnswers)
	defer cancel()
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return p.conn.run(running) })
	group.Go(func() error { return errors.Join(p.keepPace(running, halt, plan), p.conn.finish()) })
	err := group.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if missing := p.sent - p.answers; missing > 0 && errors.Is(err, errNoAnswers) {
		p.failed += missing
		p.firstErr = errors.Join(p.firstErr, err)
		return nil
	}
	return err
}

// keepPace submits bursts when they are due and as tokens allow.
func (p *publisher) keepPace(ctx, halt context.Context, plan *schedule) error {
	sleeper := newSleeper()
	defer sleeper.stop()
	end := time.NewTimer(time.Until(plan.end))
	defer end.Stop()
	for {
		due, ok := plan.next()
		if !ok {
			return nil
		}
		if err := sleeper.until(halt, due); err != nil {
			return ctx.Err() // Halted, which is no error, or ended.
		}
		for range p.burst {
			select {
			case <-p.tokens:
			case <-end.C:
				return nil
			case <-halt.Done():
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if !plan.open() {
			due = time.Now() // It waited for the others to arrive; that is not its own delay.
		}
		if err := p.submit(due, !due.Before(plan.measure)); err != nil {
			return err
		}
	}
}

// submit writes a burst.
func (p *publisher) submit(due time.Time, measured bool) error {
	for range p.burst {
		p.mu.Lock()
		n := p.sent
		p.sent++
		if measured {
			p.late.record(time.Since(due))
		}
		p.mu.Unlock()
		x := &exchange{request: request{first: n}}
		x.message = p.appendRequest(nil, n, due.Sub(p.start))
		if err := p.conn.start(x, func() []byte { return p.headers }); err != nil {
			return err
		}
	}
	return p.conn.flush()
}

func (p *publisher) appendRequest(b []byte, n uint64, due time.Duration) []byte {
	b = protowire.AppendTag(b, announceRequest, protowire.BytesType)
	b = protowire.AppendString(b, p.run+"-"+strconv.FormatUint(n, 10))
	b = protowire.AppendTag(b, announceText, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(p.payload))
	return appendEvent(b, p.run, n, due, p.payload)
}

// done takes an answer.
func (p *publisher) done(x *exchange) error {
	_, err := x.result()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers++
	if err != nil {
		p.failed++
		if p.firstErr == nil {
			p.firstErr = err
		}
	} else {
		p.acked.add(x.request.first)
	}
	if err != nil || !p.closedLoop {
		p.release()
	}
	return nil
}

// release returns a token. An event whose request failed may arrive none the less:
// its second token is one too many.
func (p *publisher) release() {
	select {
	case p.tokens <- struct{}{}:
	default:
	}
}

// arrived takes note that an event has arrived everywhere.
func (p *publisher) arrived(uint64) {
	if p.closedLoop {
		p.release()
	}
}

// outcome returns how many events were submitted and which are in the journal. No
// answer must be under way.
func (p *publisher) outcome() (sent uint64, acked *numberSet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent, &p.acked
}
