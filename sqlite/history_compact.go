package sqlite

import (
	"context"
	"database/sql"
	"math"
)

// historyStep is how many rows of a table one transaction looks at: a few
// milliseconds, for which an Apply may have to wait.
const historyStep = 5000

// Compact implements history.Store. The file does not shrink: new rows use the
// room.
func (h *History) Compact(ctx context.Context, before int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// No key above the first mark at or after that time is old enough.
	sequence, order, trade := int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MaxInt64)
	row := h.db.reader.QueryRowContext(ctx, "SELECT sequence, last_order, last_trade FROM marks WHERE time >= ? ORDER BY time LIMIT 1", before)
	if err := optional(row.Scan(&sequence, &order, &trade)); err != nil {
		return err
	}
	for _, c := range []struct {
		table, key, old string
		most            int64
	}{
		{"executions", "id", "time < ?", keyRange{math.MinInt64, sequence}.executionKeys().high},
		{"orders", "id", "working = 0 AND updated < ?", order},
		{"trades", "id", "time < ?", trade},
		{"audit", "sequence", "time < ?", sequence},
		// The newest mark is what the next one is measured from.
		{"marks", "time", "time < ? AND time < (SELECT max(time) FROM marks)", before},
	} {
		if err := h.compactTable(ctx, c.table, c.key, c.old, c.most, before); err != nil {
			return err
		}
	}
	return nil
}

// compactTable deletes along the keys up to most, one transaction per step.
func (h *History) compactTable(ctx context.Context, table, key, old string, most, before int64) error {
	for after := int64(math.MinInt64); ; {
		var last sql.NullInt64
		err := h.write(ctx, func(tx *sql.Tx) error {
			err := tx.QueryRowContext(ctx, "SELECT max(key) FROM (SELECT "+key+" AS key FROM "+table+
				" WHERE "+key+" > ? AND "+key+" <= ? ORDER BY "+key+" LIMIT ?)", after, most, historyStep).Scan(&last)
			if err != nil || !last.Valid {
				return err
			}
			_, err = tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE "+key+" > ? AND "+key+" <= ? AND "+old, //nolint:gosec // the parts are constants of Compact
				after, last.Int64, before)
			return err
		})
		if err != nil || !last.Valid {
			return err
		}
		after = last.Int64
	}
}
