package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// A checkpoint copies the write-ahead log into the database file and syncs it,
// about 10 ms for 4 MiB. SQLite would do that inside whichever commit passes the
// limit; the checkpointer does it beside the commits instead.
//
// A checkpoint beside commits never quite ends, because they go on, and the log
// would grow for as long as the load lasts. So the bulk is copied PASSIVE,
// beside the commits, and the few frames that came meanwhile in a second step,
// RESTART, that commits wait for (about 1 ms). They wait on a mutex: SQLite
// would make them poll.
type checkpointer struct {
	db    *sql.DB // own connection, with no busy timeout: a reader in the way means "later"
	limit int64

	commits sync.Mutex // held by a commit, and by the end of a checkpoint

	pending atomic.Int64  // bytes written since the last checkpoint
	due     chan struct{} // holds at most one request; more would ask for the same
	cancel  context.CancelFunc
	done    chan struct{}
}

// errBlockedByReader says that a long read kept the log from beginning again.
var errBlockedByReader = errors.New("sqlite: checkpoint: a reader blocks the checkpoint")

// frameOverhead is what a commit writes to the log beyond the row: the pages of
// the tree above it, counted as two.
const frameOverhead = 2 * pageSize

// startCheckpointer starts the goroutine that checkpoints db's write-ahead log after every
// limit bytes written. The caller must stop it before it closes db.
func startCheckpointer(ctx context.Context, db *database, limit int64) (*checkpointer, error) {
	own, err := db.connect(1, "mode=rw", pragma("busy_timeout", 0), pragma("wal_autocheckpoint", 0), pragma("synchronous", "full"))
	if err != nil {
		return nil, err
	}
	if err := own.PingContext(ctx); err != nil {
		_ = own.Close()
		return nil, fmt.Errorf("sqlite: open %s: %w", db.path, err)
	}
	// The goroutine lives until stop, not as long as the call that opened.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &checkpointer{db: own, limit: limit, due: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	go c.run(running)
	return c, nil
}

// wrote counts a committed row of the given length.
func (c *checkpointer) wrote(bytes int64) {
	if c.pending.Add(bytes+frameOverhead) < c.limit {
		return
	}
	select {
	case c.due <- struct{}{}:
	default:
	}
}

func (c *checkpointer) run(ctx context.Context) {
	defer close(c.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.due:
			// A checkpoint that fails loses nothing, the log still has it all: the
			// next commit past the limit asks again, and a disk that is really in
			// trouble says so to the commit itself.
			_ = c.checkpoint(ctx)
		}
	}
}

// checkpoint folds the log and lets the next commit begin at its start.
func (c *checkpointer) checkpoint(ctx context.Context) error {
	if _, err := c.fold(ctx, "PASSIVE"); err != nil {
		return err
	}
	c.commits.Lock()
	defer c.commits.Unlock()
	complete, err := c.fold(ctx, "RESTART")
	// Even when a reader was in the way, wait for as much again before the next
	// try.
	c.pending.Store(0)
	if err == nil && !complete {
		err = errBlockedByReader
	}
	return err
}

// fold runs one checkpoint and reports whether the whole log is in the file.
func (c *checkpointer) fold(ctx context.Context, mode string) (complete bool, err error) {
	var busy, frames, folded int
	err = c.db.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &folded)
	if err != nil {
		return false, fmt.Errorf("sqlite: checkpoint: %w", err)
	}
	return busy == 0 && frames == folded, nil
}

// stop ends the goroutine, waits for it, and makes the log empty.
func (c *checkpointer) stop() error {
	c.cancel()
	<-c.done
	// The last connection to close would do this too, but would not say how it
	// went; another process reading beside us is no failure.
	_, err := c.fold(context.Background(), "TRUNCATE")
	if err != nil {
		_ = c.db.Close()
		return err
	}
	return c.db.Close()
}
