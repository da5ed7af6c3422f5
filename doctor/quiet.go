package doctor

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// fallSilent opens a stream that gets one message and then nothing more.
func (x *examination) fallSilent(ctx context.Context) (*wire, *exchange, error) {
	w, err := x.dial(ctx)
	if err != nil {
		return nil, nil, err
	}
	stream, err := w.open(methodWatch)
	if err == nil {
		err = await(ctx, stream.first, x.config.Patience)
	}
	if err != nil {
		w.close()
	}
	return w, stream, err
}

// quiet waits, lets a stream live on which nothing is sent, and records what became of it.
// Its connection sends PINGs at q.PingEvery, or nothing for q.AskAfter: then it is asked
// whether it still works.
func (x *examination) quiet(ctx context.Context, start time.Time, wait time.Duration, q *Quiet) {
	if _ = await(ctx, nil, wait); ctx.Err() != nil {
		return
	}
	w, stream, err := x.fallSilent(ctx)
	if err != nil {
		q.End = &End{How: ByFailure, Debug: errorText(err)}
		return
	}
	defer w.close()
	began := time.Now()
	q.Began = Millis(began.Sub(start))
	whole, cancel := context.WithTimeout(ctx, cmp.Or(time.Duration(q.AskAfter), x.config.Duration))
	defer cancel()
	var pings <-chan time.Time
	if q.PingEvery > 0 {
		ticker := time.NewTicker(time.Duration(q.PingEvery))
		defer ticker.Stop()
		pings = ticker.C
	}
	for err == nil && whole.Err() == nil {
		select {
		case <-pings:
			if _, err = w.ping(ctx); err == nil {
				q.Answered++
			}
		case <-stream.done:
			err = errEnded
		case <-whole.Done():
		}
	}
	q.Lived = Millis(time.Since(began))
	var answer *exchange
	if err == nil && q.AskAfter > 0 {
		answer, err = w.check(ctx) // A call, not a PING: a proxy would answer that one itself.
	}
	switch {
	case stream.ended(ctx, err): // Perhaps it was cut before, and using it showed that.
		q.End, q.Lived = stream.end, Millis(stream.at.Sub(began))
		if q.End.ofStream() {
			_, err := w.ping(ctx)
			q.Survived = err == nil
		}
	case err != nil:
		q.End = &End{How: ByNoAnswer}
	case answer != nil && !answer.end.ok():
		q.End = answer.end
	}
	q.PeerPings = int(w.peerPings.Load())
	x.say("quiet, %s", q.text())
}

// ended says whether the stream is over, given the error of using its connection. Writing
// may fail a moment before reading does, which knows why.
func (x *exchange) ended(ctx context.Context, err error) bool {
	if errors.Is(err, errEnded) {
		_ = await(ctx, x.done, time.Second)
	}
	select {
	case <-x.done:
		return true
	default:
		return false
	}
}
