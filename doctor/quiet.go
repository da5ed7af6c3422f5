package doctor

import (
	"context"
	"errors"
	"time"
)

// quiet is a stream on which nothing is sent, and its connection.
type quiet struct {
	*wire
	stream *exchange
	began  time.Time
}

// fallSilent opens a stream that says one thing and nothing more.
func (x *examination) fallSilent(ctx context.Context, wait time.Duration) (*quiet, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	w, err := x.dial(ctx)
	if err != nil {
		return nil, err
	}
	stream, err := w.open(methodWatch)
	if err == nil {
		late := time.NewTimer(x.config.Patience)
		defer late.Stop()
		select {
		case <-stream.first:
			return &quiet{wire: w, stream: stream, began: time.Now()}, nil
		case <-late.C:
			err = context.DeadlineExceeded
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	w.close()
	return nil, err
}

// pinged lets a quiet stream live beside PINGs at an interval.
func (x *examination) pinged(ctx context.Context, first time.Time, wait, every time.Duration) (q Quiet) {
	q.PingEvery = Millis(every)
	s, err := x.fallSilent(ctx, wait)
	if err != nil {
		q.End = &End{How: ByFailure, Debug: errorText(err)}
		return q
	}
	defer s.close()
	defer func() {
		q.Began, q.PeerPings = Millis(s.began.Sub(first)), s.fromPeer()
		x.say("quiet, a PING every %s: %s", q.PingEvery, q.text())
	}()
	whole := time.NewTimer(x.config.Duration)
	defer whole.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_, err := s.ping(ctx)
			switch {
			case err == nil:
				q.Answered++
				continue
			case ctx.Err() != nil:
			case s.ended(err):
				q.end(ctx, s)
			default:
				q.End, q.Lived = &End{How: ByNoAnswer}, Millis(time.Since(s.began))
			}
			return q
		case <-s.stream.done:
			q.end(ctx, s)
			return q
		case <-whole.C:
		case <-ctx.Done():
		}
		q.Lived = Millis(time.Since(s.began))
		return q
	}
}

// silent lets a quiet stream live without any traffic and asks then whether it
// still works.
func (x *examination) silent(ctx context.Context, first time.Time, wait, silence time.Duration) (q Quiet) {
	q.AskAfter = Millis(silence)
	s, err := x.fallSilent(ctx, wait)
	if err != nil {
		q.End = &End{How: ByFailure, Debug: errorText(err)}
		return q
	}
	defer s.close()
	defer func() {
		q.Began, q.PeerPings = Millis(s.began.Sub(first)), s.fromPeer()
		x.say("silent for %s: %s", q.AskAfter, q.text())
	}()
	whole := time.NewTimer(silence)
	defer whole.Stop()
	select {
	case <-s.stream.done:
		q.end(ctx, s)
		return q
	case <-whole.C:
	case <-ctx.Done():
	}
	q.Lived = Millis(time.Since(s.began))
	// A call, not a PING: a proxy would answer that one itself.
	answer, err := s.check(ctx)
	switch {
	case ctx.Err() != nil:
	case s.ended(err): // It was cut unseen, and told only when it was asked.
		q.end(ctx, s)
	case err != nil:
		q.End = &End{How: ByNoAnswer}
	case !answer.end.ok():
		q.End = answer.end
	}
	return q
}

// ended says whether the stream is over, given what came of using its connection.
// Writing may fail a moment before reading does, which knows why.
func (s *quiet) ended(err error) bool {
	if errors.Is(err, errEnded) {
		soon := time.NewTimer(time.Second)
		defer soon.Stop()
		select {
		case <-s.stream.done:
		case <-soon.C:
		}
	}
	select {
	case <-s.stream.done:
		return true
	default:
		return false
	}
}

// end notes how a stream ended, and whether its connection is still there.
func (q *Quiet) end(ctx context.Context, s *quiet) {
	q.End, q.Lived = s.stream.end, Millis(s.stream.at.Sub(s.began))
	if q.End.ofStream() {
		_, err := s.ping(ctx)
		q.Survived = err == nil
	}
}
