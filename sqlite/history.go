package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"todoku/history"
	"todoku/journal"
	"todoku/trade"
)

// History is a history.Store in one SQLite file. It is written in a few large
// transactions that are not synced one by one: after a loss of power the newest
// may be gone, and the follower, who asks for the position, applies those records
// again. Safe for concurrent use.
type History struct {
	db    *database
	names *nameTable
	rows  historyRows // protected by writing

	// writing is held through a transaction: the name table and the prepared
	// statements' arguments are the writer's.
	writing sync.Mutex
	closing sync.Once
	closed  error
}

var _ history.Store = (*History)(nil)

// OpenHistory opens the history at path, making or migrating it as needed.
func OpenHistory(ctx context.Context, path string) (_ *History, err error) {
	db, err := open(ctx, path, "history", openOptions{rebuildable: true})
	if err != nil {
		return nil, err
	}
	h := &History{db: db}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	if h.names, err = loadNames(ctx, db.reader); err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", db.path, err)
	}
	if err := h.rows.prepare(ctx, db.writer); err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", db.path, err)
	}
	return h, nil
}

// Close implements history.Store.
func (h *History) Close() error {
	h.closing.Do(func() {
		h.writing.Lock()
		defer h.writing.Unlock()
		h.closed = errors.Join(h.rows.close(), h.db.close())
	})
	return h.closed
}

// Position implements history.Store.
func (h *History) Position(ctx context.Context) (journal.Position, error) {
	return readProgress(ctx, h.db.reader)
}

func readProgress(ctx context.Context, from querier) (journal.Position, error) {
	var at journal.Position
	err := from.QueryRowContext(ctx, "SELECT epoch, sequence FROM progress").Scan(&at.Epoch, &at.Sequence)
	return at, optional(err)
}

func writeProgress(ctx context.Context, tx *sql.Tx, at journal.Position) error {
	_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO progress (only, epoch, sequence) VALUES (1, ?, ?)", at.Epoch, at.Sequence)
	return err
}

// Apply implements history.Store.
func (h *History) Apply(ctx context.Context, records []*trade.Record) error {
	if len(records) == 0 {
		return ctx.Err()
	}
	return h.write(ctx, func(tx *sql.Tx) error {
		at, err := readProgress(ctx, tx)
		if err != nil {
			return err
		}
		facts, err := history.NewFacts(at.Sequence, records)
		if err != nil {
			return err
		}
		if err := h.addFacts(ctx, tx, facts); err != nil {
			return err
		}
		last := records[len(records)-1]
		if err := addMark(ctx, tx, last); err != nil {
			return err
		}
		at.Sequence = last.Sequence
		return writeProgress(ctx, tx, at)
	})
}

// Reset implements history.Store.
func (h *History) Reset(ctx context.Context, position journal.Position, state *trade.Snapshot) error {
	return h.write(ctx, func(tx *sql.Tx) error {
		// Without a condition SQLite frees whole tables without looking at rows.
		if _, err := tx.ExecContext(ctx, `DELETE FROM orders; DELETE FROM executions; DELETE FROM trades;
			DELETE FROM audit; DELETE FROM marks; DELETE FROM names`); err != nil {
			return err
		}
		h.names.clear()
		if state != nil {
			facts := &history.Facts{}
			for i := range state.Orders {
				facts.Orders = append(facts.Orders, history.OrderFact{Order: &state.Orders[i], Named: true})
			}
			if err := h.addFacts(ctx, tx, facts); err != nil {
				return err
			}
		}
		return writeProgress(ctx, tx, position)
	})
}

// write runs do in a transaction and keeps the name table with its outcome.
func (h *History) write(ctx context.Context, do func(tx *sql.Tx) error) error {
	h.writing.Lock()
	defer h.writing.Unlock()
	err := h.db.write(ctx, do)
	if err == nil {
		h.names.settle()
		return nil
	}
	// The transaction was rolled back, or its outcome is unknown: read the file again.
	if again := h.names.reload(context.WithoutCancel(ctx), h.db.reader); again != nil {
		err = errors.Join(err, again)
	}
	return fmt.Errorf("sqlite: history: %w", err)
}

// SaveIndex implements feed.IndexStore.
func (h *History) SaveIndex(ctx context.Context, position uint64, blob []byte) error {
	if blob == nil {
		blob = []byte{}
	}
	return h.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO feed_index (only, position, data) VALUES (1, ?, ?)", position, blob)
		return err
	})
}

// LoadIndex implements feed.IndexStore.
func (h *History) LoadIndex(ctx context.Context) (position uint64, blob []byte, err error) {
	err = h.db.reader.QueryRowContext(ctx, "SELECT position, data FROM feed_index").Scan(&position, &blob)
	return position, blob, optional(err)
}
