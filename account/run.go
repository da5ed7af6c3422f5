package account

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// upkeepInterval is how often expired sessions are ended. Verify judges expiry by
	// itself; this reports it.
	upkeepInterval = 5 * time.Second
	// keysInterval is how often the stored keys are read again, which an administrator
	// may have replaced.
	keysInterval = 30 * time.Second
	// pruneInterval is how often old log entries, attempts and keys are dropped.
	pruneInterval = time.Hour
)

// Run does the background work until ctx ends: it writes the access log, ends
// expired sessions, rotates keys and drops what is too old. A failure of the store
// is reported to Config.OnFault and tried again. When ctx ends, Run writes what is
// left and returns nil, or the error that prevented it. Call it once; entries added after it has returned
// stay in the queue.
func (s *Service) Run(ctx context.Context) error {
	upkeep := time.NewTicker(upkeepInterval)
	defer upkeep.Stop()
	keys := time.NewTicker(keysInterval)
	defer keys.Stop()
	prune := time.NewTicker(pruneInterval)
	defer prune.Stop()
	// The timer runs while entries wait.
	write := time.NewTimer(s.cfg.AccessLog.Interval)
	defer write.Stop()

	s.fault(s.prune(ctx))
	s.fault(s.followKeys(ctx))
	for {
		select {
		case <-ctx.Done():
			return s.lastWrites(ctx)
		case <-s.log.wake:
			if queued, _ := s.log.counts(); queued < s.cfg.AccessLog.Batch {
				write.Reset(s.cfg.AccessLog.Interval)
				continue
			}
			s.writeLog(ctx, write)
		case <-write.C:
			s.writeLog(ctx, write)
		case <-upkeep.C:
			s.fault(s.expire(ctx))
		case <-keys.C:
			s.fault(s.followKeys(ctx))
		case <-prune.C:
			s.fault(s.prune(ctx))
		}
	}
}

// writeLog flushes and, if anything is left, starts the timer again.
func (s *Service) writeLog(ctx context.Context, timer *time.Timer) {
	s.fault(s.log.flush(ctx))
	if queued, _ := s.log.counts(); queued > 0 {
		timer.Reset(s.cfg.AccessLog.Interval)
	}
}

// lastWrites saves what is in memory only. It begins after ctx has ended, so it
// has a time of its own.
func (s *Service) lastWrites(ctx context.Context) error {
	s.log.stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	err := s.log.flush(ctx)
	if queued, _ := s.log.counts(); err != nil && queued > 0 {
		err = fmt.Errorf("%w (%d entries of the access log are lost)", err, queued)
	}
	return err
}

// expire ends the sessions that nobody refreshed in time.
func (s *Service) expire(ctx context.Context) error {
	return s.endAll(ctx, EndExpired, func(limit int) []string { return s.live.due(s.now(), limit) })
}

// endAll ends the sessions that find returns until it returns none, some at a time, and
// writes the log between, which many ends at once would fill.
func (s *Service) endAll(ctx context.Context, reason EndReason, find func(limit int) []string) error {
	for {
		ids := find(s.cfg.AccessLog.Batch)
		if len(ids) == 0 {
			return nil
		}
		if err := errors.Join(s.end(ctx, ids, reason), s.log.flush(ctx)); err != nil {
			return err
		}
	}
}

// prune deletes what is too old, some at a time, and tends the keys.
func (s *Service) prune(ctx context.Context) error {
	now := s.now()
	before := Horizon{
		Log:      olderThan(now, s.cfg.AccessLog.Retention),
		Activity: olderThan(now, s.cfg.AccessLog.ActivityRetention),
		Attempts: now.Add(-s.cfg.Lockout.Window),
	}
	var err error
	for more := true; more && err == nil; {
		err = s.write(ctx, "prune", func(ctx context.Context) (err error) {
			more, err = s.store.Prune(ctx, before)
			return err
		})
	}
	return errors.Join(err, s.tendKeys(ctx, now))
}

// olderThan is the zero time, which keeps everything, for a negative retention.
func olderThan(now time.Time, retention time.Duration) time.Time {
	if retention < 0 {
		return time.Time{}
	}
	return now.Add(-retention)
}

// fault reports background work that failed, but not work that was stopped.
func (s *Service) fault(err error) {
	if err != nil && !errors.Is(err, context.Canceled) && s.cfg.OnFault != nil {
		s.cfg.OnFault(err)
	}
}
