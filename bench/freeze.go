package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
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
}

const (
	// smallBuffer keeps the system from reading for a socket that is not read.
	smallBuffer = 4 << 10
	// standardSpan is how long a client stays frozen if nobody ends its stream.
	standardSpan = 60 * time.Second
)

// Freeze is [Push] with one client that stops reading after Duration, for span or
// until the server has ended its stream, while the events go on; then it comes back
// and resumes. It needs a rate and a connection for each stream. A span of 0 is a
// minute. What it costs in memory is [FreezeMemory]'s.
func Freeze(ctx context.Context, config PushConfig, how Frozen, span time.Duration) (PushResult, error) {
	r, err := newFreezeRun(ctx, config, how, 1, span, nil)
	if err != nil {
		return PushResult{}, err
	}
	defer r.close(ctx)
	v := r.victims[0]
	meter := newMeter(r.config.ServerPID)
	var p *publisher
	_, err = r.watched(ctx, func() (err error) {
		p, err = r.load(ctx, meter, r.span, func() (bool, error) {
			if closed(v.frozen) || r.clients.now() < r.tally.end {
				return closed(v.ended), nil
			}
			r.tally.later = r.tally.end
			return false, v.freeze()
		})
		return err
	})
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

// freezeRun is a run in which clients freeze, one after the other.
type freezeRun struct {
	*pushRun

	victims []*victim
	span    time.Duration // The longest that one may stay frozen.
}

// newFreezeRun attaches all clients, of which the first so many will freeze. restart is
// as for [Idle]. The caller must close the run.
func newFreezeRun(ctx context.Context, config PushConfig, how Frozen, victims int, span time.Duration, restart func(context.Context) (pid int, err error)) (_ freezeRun, err error) {
	if err := canFreeze(config, how, victims); err != nil {
		return freezeRun{}, err
	}
	r := freezeRun{span: cmp.Or(span, standardSpan)}
	if r.pushRun, err = newPushRun(ctx, config); err != nil {
		return freezeRun{}, err
	}
	defer func() {
		if err != nil {
			r.close(ctx)
		}
	}()
	if restart != nil {
		if r.config.ServerPID, err = restart(ctx); err != nil {
			return freezeRun{}, err
		}
	}
	for i := range victims {
		r.victims = append(r.victims, newVictim(r.pushRun, how, i))
	}
	for _, v := range r.victims {
		if err = v.prepare(ctx); err != nil {
			return freezeRun{}, err
		}
	}
	return r, r.clients.attach(ctx)
}

func (r *freezeRun) close(ctx context.Context) {
	for _, v := range r.victims {
		v.dismiss(ctx)
	}
	r.pushRun.close()
}

// watched calls do while the venue is asked which streams it has ended, and returns the
// memory that it had meanwhile.
func (r *freezeRun) watched(ctx context.Context, do func() error) ([]memorySample, error) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var watch errgroup.Group
	lookout := &lookout{run: r.pushRun, victims: r.victims}
	watch.Go(func() error { return lookout.watch(watching) })
	err := do()
	stop()
	err = errors.Join(err, watch.Wait())
	return lookout.memory, err
}

// canFreeze says whether so many clients can freeze, one after the other.
func canFreeze(config PushConfig, how Frozen, victims int) error {
	filled, _ := config.withDefaults() // What else is wrong with it is said later.
	if filled.Rate == 0 || filled.Streams <= victims || filled.Connections != filled.Streams {
		return fmt.Errorf("%w: a client freezes among others, at a rate, on a connection of its own", ErrConfig)
	}
	if !slices.Contains(Ways(), how) {
		return fmt.Errorf("%w: a client freezes its %v", ErrConfig, Ways())
	}
	return nil
}

// victim is the client that stops reading.
type victim struct {
	run  *pushRun
	how  Frozen
	conn *feedConn
	feed *feed
	// apart is the client in a process of its own, nil where one of the run's is
	// enough.
	apart *understudy

	frozen chan struct{} // closed when it stops reading
	at     time.Time     // when that was; written before
	ended  chan struct{} // closed when the server has ended its stream
	result FrozenResult  // written before, then by the reader's goroutine
}

// newVictim returns one of the run's clients, which is not attached yet.
func newVictim(r *pushRun, how Frozen, client int) *victim {
	return &victim{
		run: r, how: how, conn: r.clients.conns[client], feed: r.clients.feeds[client],
		frozen: make(chan struct{}), ended: make(chan struct{}),
	}
}

// prepare gives the client the window of an ordinary one, or has another stand in
// for it, which it must be the run's first for.
func (v *victim) prepare(ctx context.Context) (err error) {
	v.feed.apart = true
	v.run.tally.need--
	v.conn.window = slowWindow
	switch v.how {
	case FrozenSocket:
		v.conn.window, v.conn.receiveBuffer = feedWindow, smallBuffer
	case FrozenApplication, FrozenProcess:
		c := v.run.clients
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

// freeze makes the client stop reading, in its way.
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
	return v.run.clients.poller.ignore(v.conn.socket)
}

// takeBack gives the run's client what the stand-in had received, and its cursor.
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
	c := v.run.clients
	c.conns, c.feeds = append(c.conns, v.conn), append(c.feeds, v.feed)
	return nil
}

// comeBack attaches the client again and reads until it has everything.
func (v *victim) comeBack(ctx context.Context, p *publisher) error {
	began := time.Now()
	if err := v.attachAgain(ctx); err != nil {
		return err
	}
	err := v.run.untilWhole(ctx, p, v)
	v.result.Resumed = milliseconds(time.Since(began))
	return err
}

// attachAgain asks for everything behind the last cursor.
func (v *victim) attachAgain(ctx context.Context) error {
	if err := v.takeBack(ctx); err != nil {
		return err
	}
	c := v.run.clients
	c.hangUp(v.conn)
	v.conn.away = false
	return c.open(slices.Index(c.conns, v.conn))
}

// untilWhole reads until those who came back have what was acknowledged, or nothing
// more comes. Who still lacks something then is found by the result.
func (r *pushRun) untilWhole(ctx context.Context, p *publisher, back ...*victim) error {
	c := r.clients
	sent, acked := p.outcome()
	from := c.now()
	_, err := c.until(ctx, from+drainDeadline, func() bool {
		if c.now() > max(r.tally.last, from)+nothingMore {
			return true
		}
		for n := range sent {
			if acked.has(n) && slices.ContainsFunc(back, func(v *victim) bool { return !v.feed.seen.has(n) }) {
				return false
			}
		}
		return true
	})
	return err
}
