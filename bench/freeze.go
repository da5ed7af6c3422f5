package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	todokuv1 "todoku/gen/todoku/v1"
)

// Frozen is a way in which a client stops reading.
type Frozen string

// The ways.
const (
	// FrozenWindow reads its socket and never lets the server send more on the
	// stream: a program that does not take what has arrived.
	FrozenWindow Frozen = "window"
	// FrozenSocket does not read its socket: a machine that hangs.
	FrozenSocket Frozen = "socket"
	// FrozenApplication is a program of its own with grpc-go that stops calling
	// Recv: its transport lives, answers PINGs and fills its windows.
	FrozenApplication Frozen = "application"
	// FrozenProcess is such a program that is stopped whole (SIGSTOP).
	FrozenProcess Frozen = "process"
)

// Ways returns all ways to freeze.
func Ways() []Frozen {
	return []Frozen{FrozenApplication, FrozenWindow, FrozenSocket, FrozenProcess}
}

// FrozenResult is what one client that stopped reading did to the others and to
// itself. The figures of the time before are the result's own.
type FrozenResult struct {
	How Frozen `json:"how"`
	// Reason is why the server ended its stream, in the words of the endings, "" if
	// it did not.
	Reason string `json:"reason"`
	// EndedAfter is how long after it stopped reading.
	EndedAfter float64 `json:"ended_after_seconds"`
	// Blocked is how long its send had been blocked by then, which --send-timeout
	// bounds; 0 if none was.
	Blocked float64 `json:"send_blocked_seconds"`
	// Resumed is how long it took to have everything once it came back.
	Resumed float64 `json:"resumed_after_ms"`
	// Latencies of the others while it was frozen.
	P50  float64 `json:"others_p50_ms"`
	P99  float64 `json:"others_p99_ms"`
	Most float64 `json:"others_max_ms"`
	// MemoryGrowth is by how much the server's resident memory at its most passed
	// what it was at its most in the second half of the measured time: garbage comes
	// and goes all the time. It is negative when less of it was there.
	MemoryGrowth int64 `json:"server_memory_growth_bytes,omitempty"`
}

const (
	// lookEvery is how often the server is asked whether it has ended the stream.
	lookEvery = 100 * time.Millisecond
	// smallBuffer keeps the system from reading for a socket that is not read.
	smallBuffer = 4 << 10
	// standardSpan is how long a client stays frozen if nobody ends its stream.
	standardSpan = 60 * time.Second
)

// Freeze is [Push] with one client that stops reading after Duration, for span or
// until the server has ended its stream, while the events go on; then it comes back
// and resumes. It needs a rate and a connection for each stream. A span of 0 is a
// minute.
func Freeze(ctx context.Context, config PushConfig, how Frozen, span time.Duration) (PushResult, error) {
	filled, _ := config.withDefaults() // What is wrong with it is said below.
	if filled.Rate == 0 || filled.Streams < 2 || filled.Connections != filled.Streams {
		return PushResult{}, fmt.Errorf("%w: a client freezes among others, at a rate, on a connection of its own", ErrConfig)
	}
	if !slices.Contains(Ways(), how) {
		return PushResult{}, fmt.Errorf("%w: a client freezes its %v", ErrConfig, Ways())
	}
	if span == 0 {
		span = standardSpan
	}
	r, err := newPushRun(ctx, config)
	if err != nil {
		return PushResult{}, err
	}
	defer r.close()
	v := &victim{run: r, how: how, conn: r.crowd.conns[0], feed: r.crowd.feeds[0], frozen: make(chan struct{}), ended: make(chan struct{})}
	if err := v.prepare(ctx); err != nil {
		return PushResult{}, err
	}
	defer v.dismiss(ctx)
	if err := r.crowd.attach(ctx); err != nil {
		return PushResult{}, err
	}
	meter := newMeter(r.config.ServerPID)
	p, err := v.load(ctx, meter, span)
	if err != nil {
		return PushResult{}, err
	}
	if err := v.comeBack(ctx, p); err != nil {
		return PushResult{}, err
	}
	result := r.result("freeze", p, meter)
	t := &r.tally.after
	v.result.How, v.result.P50, v.result.P99 = how, milliseconds(t.quantile(5000)), milliseconds(t.quantile(9900))
	v.result.Most = milliseconds(t.most)
	result.Frozen = &v.result
	return result, nil
}

// victim is the client that stops reading.
type victim struct {
	run  *pushRun
	how  Frozen
	conn *feedConn
	feed *feed
	// apart is the client in a process of its own, nil where one of the crowd's is
	// enough.
	apart *understudy

	frozen chan struct{} // closed when it stops reading
	at     time.Time     // when that was; written before
	ended  chan struct{} // closed when the server has ended its stream
	result FrozenResult  // written before, then by the reader's goroutine
}

// prepare gives the client the window of an ordinary one, or has another stand in
// for it.
func (v *victim) prepare(ctx context.Context) (err error) {
	v.feed.apart = true
	v.run.tally.need--
	v.conn.window = slowWindow
	switch v.how {
	case FrozenSocket:
		v.conn.window, v.conn.receiveBuffer = feedWindow, smallBuffer
	case FrozenApplication, FrozenProcess:
		c := v.run.crowd
		c.conns, c.feeds = c.conns[1:], c.feeds[1:]
		v.apart, err = startUnderstudy(ctx, v.run.config.Self, standInOrder{
			Address: v.run.config.Venue.Address, Connection: v.feed.id, Token: v.run.userOf(0).token(), Run: v.run.run,
		})
	case FrozenWindow:
	}
	return err
}

// dismiss ends the stand-in, if there is one.
func (v *victim) dismiss(ctx context.Context) {
	if v.apart != nil {
		_ = v.apart.leave(ctx, false) // It is killed: nothing is left to fail.
	}
}

// load runs the events and the freezing.
func (v *victim) load(ctx context.Context, m *meter, span time.Duration) (*publisher, error) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var watch errgroup.Group
	watch.Go(func() error { return v.watch(watching) })
	p, err := v.run.load(ctx, m, span, func() (bool, error) {
		t := v.run.tally
		if closed(v.frozen) || v.run.crowd.now() < t.end {
			return closed(v.ended), nil
		}
		t.later = t.end
		return false, v.freeze()
	})
	stop()
	return p, errors.Join(err, watch.Wait())
}

func (v *victim) freeze() error {
	v.at = time.Now()
	close(v.frozen)
	if v.apart != nil {
		return v.apart.freeze(v.how == FrozenProcess)
	}
	v.conn.away = true
	if v.how == FrozenWindow {
		v.conn.shut = true
		return nil
	}
	return v.run.crowd.poller.ignore(v.conn.socket)
}

// watch asks the venue for the end of the stream, and looks at its memory, until
// ctx ends.
func (v *victim) watch(ctx context.Context) error {
	sleeper := newSleeper()
	defer sleeper.stop()
	before, during := int64(0), int64(0)
	settled := time.Now().Add(v.run.config.Warmup + v.run.config.Duration/2)
	for next := settled; sleeper.until(ctx, next) == nil; next = next.Add(lookEvery) {
		most := &before
		if closed(v.frozen) {
			most = &during
		}
		if pid := v.run.config.ServerPID; pid != 0 {
			memory, err := processMemory(pid)
			if err != nil {
				return err
			}
			*most = max(*most, memory)
		}
		if most == &before {
			continue
		}
		v.result.MemoryGrowth = during - before
		if ended, err := v.look(ctx); ended || err != nil {
			return err
		}
	}
	return nil
}

// look finds out whether the stream has ended.
func (v *victim) look(ctx context.Context) (bool, error) {
	const last = 10
	reply, err := v.run.admin.users[0].client.Admin().ListConnections(ctx, &todokuv1.ListConnectionsRequest{Ended: last})
	switch {
	case ctx.Err() != nil || status.Code(err) == codes.Unimplemented || status.Code(err) == codes.DeadlineExceeded:
		return false, nil //nolint:nilerr // The run is over, or nobody can say.
	case err != nil:
		return false, fmt.Errorf("bench: connections: %w", err)
	}
	for _, c := range reply.GetConnections() {
		if c.GetConnectionId() == v.feed.id && c.GetEndTime() != nil {
			v.result.Reason = c.GetEndReason()
			v.result.EndedAfter = c.GetEndTime().AsTime().Sub(v.at).Seconds()
			v.result.Blocked = c.GetSendBlocked().AsDuration().Seconds()
			close(v.ended)
			return true, nil
		}
	}
	return false, nil
}

// takeBack gives the crowd's client what the stand-in had received, and its cursor.
func (v *victim) takeBack(ctx context.Context) error {
	if v.apart == nil {
		return nil
	}
	// Without an end by the server there is none to wait for.
	if err := v.apart.leave(ctx, v.result.Reason != ""); err != nil {
		return err
	}
	for _, n := range v.apart.events {
		if !v.feed.seen.add(n) {
			v.run.tally.duplicated++
		}
	}
	v.feed.cursor = []byte(v.apart.cursor)
	c := v.run.crowd
	c.conns, c.feeds = append(c.conns, v.conn), append(c.feeds, v.feed)
	return nil
}

// comeBack attaches the client again and reads until it has everything.
func (v *victim) comeBack(ctx context.Context, p *publisher) error {
	if err := v.takeBack(ctx); err != nil {
		return err
	}
	began := time.Now()
	c := v.run.crowd
	c.hangUp(v.conn)
	v.conn.away = false
	if err := c.open(slices.Index(c.conns, v.conn)); err != nil {
		return err
	}
	sent, acked := p.outcome()
	from := c.now()
	_, err := c.until(ctx, from+drainDeadline, func() bool {
		if c.now() > max(v.run.tally.last, from)+nothingMore {
			return true
		}
		for n := range sent {
			if acked.has(n) && !v.feed.seen.has(n) {
				return false
			}
		}
		return true
	})
	v.result.Resumed = milliseconds(time.Since(began))
	return err
}
