package bench

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/encoding/protowire"

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

// errNoAnswers says that the venue did not answer in time. The run still has a result, in
// which the requests count as failed.
var errNoAnswers = errors.New("bench: announcements without an answer")

// publisher makes the events of a run: announcements through the public API, each
// in the journal before it is pushed. Those of a burst are written at once, so that
// the venue may journal them together.
type publisher struct {
	of      *pushRun
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

// newPublisher connects as an administrator. A closed loop is bounded by the run's
// InFlight.
func newPublisher(ctx context.Context, r *pushRun, closedLoop bool) (*publisher, error) {
	venue := r.config.Target.Venue
	conn, err := dialLight(ctx, venue)
	if err != nil {
		return nil, err
	}
	p := &publisher{of: r, closedLoop: closedLoop}
	p.headers = encodeHeaders(venue, todokuv1.AdminService_Announce_FullMethodName, r.admin.token, true)
	limit := max(unanswered, r.config.Burst)
	if closedLoop {
		limit = r.config.InFlight * r.config.Burst
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

// publish submits the events of a schedule and returns when the last answer has come or
// is overdue. It may be called once. Ending halt ends it early.
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
	var sleeper sleeper
	halt, cancel := context.WithDeadline(halt, plan.end)
	defer cancel()
	for {
		due, ok := plan.next()
		if !ok {
			return nil
		}
		if err := sleeper.until(halt, due); err != nil {
			return ctx.Err() // Halted, which is no error, or ended.
		}
		for range p.of.config.Burst {
			select {
			case <-p.tokens:
			case <-halt.Done():
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if !plan.open() {
			due = time.Now() // The wait for the others to arrive does not count as its delay.
		}
		if err := p.submit(due, !due.Before(plan.measure)); err != nil {
			return err
		}
	}
}

// submit writes a burst.
func (p *publisher) submit(due time.Time, measured bool) error {
	for range p.of.config.Burst {
		p.mu.Lock()
		n := p.sent
		p.sent++
		if measured {
			p.late.record(time.Since(due))
		}
		p.mu.Unlock()
		x := &exchange{request: request{first: n}}
		x.message = p.appendRequest(nil, n, due.Sub(p.of.clients.start))
		if err := p.conn.start(x, func() []byte { return p.headers }); err != nil {
			return err
		}
	}
	return p.conn.flush()
}

func (p *publisher) appendRequest(b []byte, n uint64, due time.Duration) []byte {
	b = appendText(b, announceRequest, p.of.run+"-"+strconv.FormatUint(n, 10))
	b = protowire.AppendTag(b, announceText, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(p.of.config.Payload))
	return appendEvent(b, p.of.run, n, due, p.of.config.Payload)
}

// done counts an answer.
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

// release returns a token. An event whose request failed may still arrive: its second
// token is dropped.
func (p *publisher) release() {
	select {
	case p.tokens <- struct{}{}:
	default:
	}
}

// arrived is called when an event has arrived everywhere.
func (p *publisher) arrived(uint64) {
	if p.closedLoop {
		p.release()
	}
}

// outcome returns how many events were submitted and which are in the journal. It must
// not be called while answers arrive.
func (p *publisher) outcome() (sent uint64, acked *numberSet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent, &p.acked
}
