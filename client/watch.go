package client

import (
	"context"
	"sync"
	"time"
)

// watch ends a stream on which nothing comes. It counts only while the stream is
// being read: a program that takes its time with an update is slow, not dead.
type watch struct {
	cancel  context.CancelCauseFunc
	onStale func()
	done    chan struct{}
	ended   sync.WaitGroup

	mu       sync.Mutex // protects what follows
	reading  bool
	hello    bool
	since    time.Time
	isStale  bool
	stale    time.Duration
	watchdog time.Duration
}

// startWatch starts the goroutine that looks; stop ends it and waits for it.
func startWatch(ctx context.Context, cancel context.CancelCauseFunc, onStale func()) *watch {
	w := &watch{cancel: cancel, onStale: onStale, done: make(chan struct{}), stale: stale, watchdog: watchdog}
	w.ended.Go(func() { w.run(ctx) })
	return w
}

func (w *watch) stop() {
	close(w.done)
	w.ended.Wait()
}

// set takes the venue's intervals; those that make no sense are passed over.
func (w *watch) set(stale, watchdog time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hello = true
	if stale > 0 {
		w.stale = stale
	}
	if watchdog > 0 {
		w.watchdog = watchdog
	}
}

// begin says that a read begins.
func (w *watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reading, w.since = true, time.Now()
}

// end says that something came, and returns whether the stream was stale before.
func (w *watch) end() (wasStale bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wasStale, w.isStale, w.reading = w.isStale, false, false
	return wasStale
}

// tick is how often the goroutine looks.
const tick = 250 * time.Millisecond

func (w *watch) run(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	// Round strips the monotonic reading, which stands still while the machine
	// sleeps.
	last := time.Now().Round(0)
	for {
		select {
		case <-w.done:
			return
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Now().Round(0)
		if jump := now.Sub(last); jump > clockJump || jump < -clockJump {
			w.cancel(&ownEnd{ReasonClockJump})
			return
		}
		last = now
		if reason := w.look(); reason != "" {
			w.cancel(&ownEnd{reason})
			return
		}
	}
}

// look returns why the stream must end, and tells once when it becomes stale.
func (w *watch) look() string {
	w.mu.Lock()
	if !w.reading {
		w.mu.Unlock()
		return ""
	}
	silent := time.Since(w.since)
	becameStale := !w.isStale && silent > w.stale
	w.isStale = w.isStale || becameStale
	reason := ""
	switch {
	case !w.hello && silent > helloDeadline:
		reason = ReasonNoHello
	case silent > w.watchdog:
		reason = ReasonWatchdog
	}
	w.mu.Unlock()
	if becameStale && reason == "" {
		w.onStale()
	}
	return reason
}
