package sqlite

import (
	"context"
	"database/sql"
	"time"

	"todoku/live"
)

// Evidence keeps what was observed of streams, in the file of the accounts. It
// implements [live.Evidence]. Observations of a stream that is not stored, because
// it was pruned or its beginning was lost, are ignored: they would prove nothing.
type Evidence struct{ db *database }

var _ live.Evidence = (*Evidence)(nil)

// Evidence returns the store of evidence in the same file. Closing a closes it too.
func (a *Accounts) Evidence() *Evidence { return &Evidence{a.db} }

// Append implements [live.Evidence].
func (e *Evidence) Append(ctx context.Context, observations []live.Observation) error {
	return e.db.write(ctx, func(tx *sql.Tx) error {
		for i := range observations {
			if err := appendObservation(ctx, tx, &observations[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func appendObservation(ctx context.Context, tx *sql.Tx, o *live.Observation) (err error) {
	switch o.Kind {
	case live.Began:
		_, err = execute(ctx, tx, `INSERT INTO attaches (attach, node, epoch, user, session, connection, remote_addr, began, ended, sent, reason)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '') ON CONFLICT DO NOTHING`,
			o.Attach, o.Node, o.Epoch, o.User, o.Session, o.Connection, o.Remote, nanoseconds(o.Time))
	case live.Carried:
		_, err = execute(ctx, tx, `INSERT OR REPLACE INTO carries (attach, after, topics)
			SELECT attach, ?, ? FROM attaches WHERE attach = ?`, o.Sequence, o.Topics, o.Attach)
	case live.Acknowledged:
		_, err = execute(ctx, tx, `INSERT OR REPLACE INTO acknowledgements (attach, sequence, time)
			SELECT attach, ?, ? FROM attaches WHERE attach = ?`, o.Sequence, nanoseconds(o.Time), o.Attach)
	case live.Ended:
		_, err = execute(ctx, tx, "UPDATE attaches SET ended = ?, sent = ?, reason = ? WHERE attach = ?",
			nanoseconds(o.Time), o.Sequence, o.Reason, o.Attach)
	}
	return err
}

// Close implements [live.Evidence].
func (e *Evidence) Close(ctx context.Context, node string, at time.Time) error {
	return e.db.run(ctx, "UPDATE attaches SET ended = ?, reason = ? WHERE ended = 0 AND node = ?",
		nanoseconds(at), live.ReasonProcessGone, node)
}

// Query implements [live.Evidence].
func (e *Evidence) Query(ctx context.Context, query live.Query) ([]live.Receiver, error) {
	return collect(ctx, e.db.reader, func(row scanner, r *live.Receiver) error {
		return row.Scan(&r.Attach, &r.Node, &r.User, &r.Session, &r.Connection, &r.Remote, timeColumn{&r.Since},
			timeColumn{&r.Ended}, &r.Reason, &r.Topics, &r.Acknowledged, timeColumn{&r.AcknowledgedAt})
	}, `SELECT a.attach, a.node, a.user, a.session, a.connection, a.remote_addr, a.began, a.ended, a.reason,
			c.topics, COALESCE(k.sequence, 0), COALESCE(k.time, 0)
		FROM attaches a
		JOIN carries c ON c.attach = a.attach
			AND c.after = (SELECT MAX(after) FROM carries WHERE attach = a.attach AND after < ?)
		LEFT JOIN acknowledgements k ON k.attach = a.attach
			AND k.sequence = (SELECT MIN(sequence) FROM acknowledgements WHERE attach = a.attach AND sequence >= ?)
		WHERE (a.ended = 0 OR a.ended >= ? AND (a.sent >= ? OR a.reason = ?))
			AND a.epoch = ? AND (? = '' OR a.user = ?) AND a.attach > ?
		ORDER BY a.attach LIMIT ?`,
		query.Sequence, query.Sequence, nanoseconds(query.Committed), query.Sequence, live.ReasonProcessGone,
		query.Epoch, query.User, query.User, query.After, query.Limit)
}

// Prune implements [live.Evidence].
func (e *Evidence) Prune(ctx context.Context, before time.Time) error {
	return e.db.run(ctx, "DELETE FROM attaches WHERE ended > 0 AND ended < ?", nanoseconds(before))
}
