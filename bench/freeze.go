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
	Ending
	// Resumed is how long it took to receive everything after it came back.
	Resumed float64 `json:"resumed_after_ms"`
	// Latencies of the others while it was frozen.
	P50  float64 `json:"others_p50_ms"`
	P99  float64 `json:"others_p99_ms"`
	Most float64 `json:"others_max_ms"`
}

// Ending is how the server ended the stream of a client that stopped reading.
type Ending struct {
	// Reason is the server's name of the cause, "" if it did not end the stream.
	Reason string `json:"reason"`
	// EndedAfter is how long after the client stopped reading.
	EndedAfter float64 `json:"ended_after_seconds"`
	// Blocked is how long a send had been blocked by then, which --send-timeout bounds;
	// 0 if none was.
	Blocked float64 `json:"send_blocked_seconds"`
}

// smallBuffer limits what the system receives for a socket that is not read.
const smallBuffer = 4 << 10

// validFreezing returns an error if clients cannot freeze as wanted.
func (c PushConfig) validFreezing() error {
	victims := 1
	switch c.Work {
	case WorkFreezeMemory:
		if err := within("rounds", c.Rounds, 1, maxRounds); err != nil {
			return err
		}
		victims = rehearsals + c.Rounds
	case WorkFreeze:
	default:
		return nil
	}
	if !slices.Contains(Ways(), c.Frozen) {
		return must(false, "a client cannot freeze as %q; the ways are %v", c.Frozen, Ways())
	}
	return must(c.Rate > 0 && c.Streams > victims && c.Connections == c.Streams,
		"%d clients freeze among others, each on a connection of its own, at a rate; there are %d streams, %d connections and a rate of %d",
		victims, c.Streams, c.Connections, c.Rate)
}

// freeze is [WorkFreeze].
func (r *pushRun) freeze(ctx context.Context) (Result, error) {
	f := &freezing{pushRun: r}
	defer f.dismiss(ctx)
	if err := f.attach(ctx, 1); err != nil {
		return Result{}, err
	}
	v := f.victims[0]
	err := f.load(ctx, r.config.Span, func() (bool, error) {
		if closed(v.frozen) || r.clients.now() < r.tally.end {
			return closed(v.ended), nil
		}
		r.tally.later = r.tally.end
		return false, v.freeze()
	})
	if err != nil {
		return Result{}, err
	}
	began := time.Now()
	if err := errors.Join(v.attachAgain(ctx), f.untilWhole(ctx)); err != nil {
		return Result{}, err
	}
	frozen := FrozenResult{How: r.config.Frozen, Ending: v.ending, Resumed: milliseconds(time.Since(began))}
	frozen.P50, frozen.P99, _, frozen.Most = r.tally.after.summary()
	result := r.result()
	result.Frozen = &frozen
	return result, nil
}

// freezing is a run in which clients freeze, one after the other.
type freezing struct {
	*pushRun

	victims []*victim // In the order in which they freeze.
	memory  []memorySample
	rounds  []memorySpans // One for each victim whose stream has ended.
	next    time.Time     // When the next one freezes, or all is over.
}

// memorySample is the server's resident memory at a time.
type memorySample struct {
	at    time.Time
	bytes int64
}

// attach attaches all clients, of which the first ones will freeze.
func (f *freezing) attach(ctx context.Context, victims int) error {
	for i := range victims {
		f.victims = append(f.victims, &victim{
			run: f.pushRun, conn: f.clients.conns[i], feed: f.clients.feeds[i], frozen: make(chan struct{}), ended: make(chan struct{}),
		})
	}
	for _, v := range f.victims {
		if err := v.prepare(ctx); err != nil {
			return err
		}
	}
	return f.clients.attach(ctx)
}

// dismiss ends the processes of the victims.
func (f *freezing) dismiss(ctx context.Context) {
	for _, v := range f.victims {
		if v.process != nil {
			_ = v.process.leave(ctx, false) // It is killed: nothing can fail.
		}
	}
}

// load is [pushRun.load] while the server is asked which streams it has ended.
func (f *freezing) load(ctx context.Context, extra time.Duration, step func() (over bool, err error)) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	var watch errgroup.Group
	watch.Go(func() error { return f.watch(watching) })
	err := f.pushRun.load(ctx, extra, step)
	stop()
	return errors.Join(err, watch.Wait())
}

// lookEvery is how often the server is asked whether it has ended a stream, and its memory
// is read. Both cost the server something, so it is done before and after a client is
// frozen, too.
const lookEvery = 100 * time.Millisecond

// watch looks from the end of the warm-up until ctx ends, which is no error.
func (f *freezing) watch(ctx context.Context) error {
	var sleeper sleeper
	for next := time.Now().Add(f.config.Warmup); sleeper.until(ctx, next) == nil; next = next.Add(lookEvery) {
		if pid := f.config.Target.PID; pid != 0 {
			memory, err := processMemory(pid)
			if err != nil {
				return err
			}
			f.memory = append(f.memory, memorySample{time.Now(), memory})
		}
		if err := f.look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// look asks about the client that froze last, or the first one before any did.
func (f *freezing) look(ctx context.Context) error {
	v := f.victims[0]
	for _, next := range f.victims[1:] {
		if !closed(next.frozen) {
			break
		}
		v = next
	}
	reply, err := f.admin.client.Admin().ListConnections(ctx, &todokuv1.ListConnectionsRequest{ConnectionId: v.feed.id, Ended: 1})
	switch code := status.Code(err); {
	case ctx.Err() != nil || code == codes.Unimplemented || code == codes.DeadlineExceeded || code == codes.Unavailable:
		return nil //nolint:nilerr // The run is over, or the server cannot say.
	case err != nil:
		return fmt.Errorf("bench: connections: %w", err)
	}
	for _, c := range reply.GetConnections() {
		if c.GetEndTime() != nil && closed(v.frozen) && !closed(v.ended) {
			v.ending = Ending{
				Reason: c.GetEndReason(), EndedAfter: c.GetEndTime().AsTime().Sub(v.at).Seconds(),
				Blocked: c.GetSendBlocked().AsDuration().Seconds(),
			}
			close(v.ended)
		}
	}
	return nil
}

// untilWhole reads until the victims have what was acknowledged, or nothing more arrives.
// The result shows who still lacks something then.
func (f *freezing) untilWhole(ctx context.Context) error {
	c := f.clients
	sent, acked := f.publisher.outcome()
	from := c.now()
	_, err := c.until(ctx, from+drainDeadline, func() bool {
		if c.now() > max(f.tally.last, from)+nothingMore {
			return true
		}
		for n := range sent {
			if acked.has(n) && slices.ContainsFunc(f.victims, func(v *victim) bool { return !v.feed.seen.has(n) }) {
				return false
			}
		}
		return true
	})
	return err
}

// victim is a client that stops reading.
type victim struct {
	run  *pushRun
	conn *feedConn
	feed *feed
	// process is the client in a process of its own, nil where the run's own client
	// freezes.
	process *standInProcess

	frozen chan struct{} // closed when it stops reading
	at     time.Time     // when it stops reading; written before
	ended  chan struct{} // closed when the server has ended its stream
	ending Ending        // written before
}

// prepare gives the client the window of an ordinary one, or starts a process for it; then
// it must be the run's first.
func (v *victim) prepare(ctx context.Context) (err error) {
	v.feed.apart = true
	v.run.tally.need--
	v.conn.window = slowWindow
	switch v.run.config.Frozen {
	case FrozenSocket:
		v.conn.window, v.conn.receiveBuffer = feedWindow, smallBuffer
	case FrozenApplication, FrozenProcess:
		c := v.run.clients
		c.conns, c.feeds = c.conns[1:], c.feeds[1:]
		v.process, err = startStandIn(ctx, standInOrder{
			Address: v.run.config.Target.Venue.Address, Connection: v.feed.id, Token: v.run.userOf(0).token, Run: v.run.run,
		})
	case FrozenWindow:
	}
	return err
}

// freeze makes the client stop reading, in its way.
func (v *victim) freeze() error {
	v.at = time.Now()
	close(v.frozen)
	if v.process != nil {
		return v.process.freeze(v.run.config.Frozen == FrozenProcess)
	}
	v.conn.away = true
	if v.run.config.Frozen == FrozenWindow {
		v.conn.shut = true
		return nil
	}
	return v.run.clients.poller.ignore(v.conn.socket)
}

// attachAgain attaches the run's own client with the last cursor.
func (v *victim) attachAgain(ctx context.Context) error {
	c := v.run.clients
	if v.process != nil {
		// A stream that the server did not end does not end now either.
		if err := v.process.leave(ctx, v.ending.Reason != ""); err != nil {
			return err
		}
		for _, n := range v.process.events {
			if !v.feed.seen.add(n) {
				v.run.tally.duplicated++
			}
		}
		v.feed.cursor = []byte(v.process.cursor)
		c.conns, c.feeds = append(c.conns, v.conn), append(c.feeds, v.feed)
	}
	c.hangUp(v.conn)
	v.conn.away = false
	return c.open(slices.Index(c.conns, v.conn))
}
