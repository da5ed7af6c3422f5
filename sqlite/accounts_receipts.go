package sqlite

import (
	"context"
	"database/sql"
	"time"

	"todoku/account"
)

// Receipts: who was told what. Steps of an attach that is not stored, because it
// was pruned or its beginning was lost, are passed over: they would prove nothing.

// AppendReceipts implements [account.ReceiptStore].
func (a *Accounts) AppendReceipts(ctx context.Context, receipts []account.Receipt) error {
	return a.db.write(ctx, func(tx *sql.Tx) error {
		for i := range receipts {
			if err := appendReceipt(ctx, tx, &receipts[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func appendReceipt(ctx context.Context, tx *sql.Tx, r *account.Receipt) (err error) {
	switch r.Step {
	case account.ReceiptBegan:
		_, err = execute(ctx, tx, `INSERT INTO attaches (attach, epoch, user, session, connection, remote_addr, began, ended, sent, reason)
			VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, '') ON CONFLICT DO NOTHING`,
			r.Attach, r.Epoch, r.User, r.Session, r.Connection, r.RemoteAddr, nanoseconds(r.Time))
	case account.ReceiptCarries:
		_, err = execute(ctx, tx, `INSERT OR REPLACE INTO carries (attach, after, topics)
			SELECT attach, ?, ? FROM attaches WHERE attach = ?`, r.Sequence, r.Topics, r.Attach)
	case account.ReceiptAcknowledged:
		_, err = execute(ctx, tx, `INSERT OR REPLACE INTO acknowledgements (attach, sequence, time)
			SELECT attach, ?, ? FROM attaches WHERE attach = ?`, r.Sequence, nanoseconds(r.Time), r.Attach)
	case account.ReceiptEnded:
		_, err = execute(ctx, tx, "UPDATE attaches SET ended = ?, sent = ?, reason = ? WHERE attach = ?",
			nanoseconds(r.Time), r.Sequence, r.Reason, r.Attach)
	}
	return err
}

// CloseReceipts implements [account.ReceiptStore].
func (a *Accounts) CloseReceipts(ctx context.Context, at time.Time) error {
	return a.run(ctx, "UPDATE attaches SET ended = ?, reason = ? WHERE ended = 0", nanoseconds(at), account.ProcessGone)
}

// Told implements [account.ReceiptStore].
func (a *Accounts) Told(ctx context.Context, query account.ToldQuery) ([]account.Told, error) {
	return collect(ctx, a.db.reader, func(row scanner, t *account.Told) error {
		return row.Scan(&t.Attach, &t.User, &t.Session, &t.Connection, &t.RemoteAddr, timeColumn{&t.Began}, timeColumn{&t.Ended},
			&t.Reason, &t.Topics, &t.Acknowledged, timeColumn{&t.AcknowledgedAt})
	}, `SELECT a.attach, a.user, a.session, a.connection, a.remote_addr, a.began, a.ended, a.reason,
			c.topics, COALESCE(k.sequence, 0), COALESCE(k.time, 0)
		FROM attaches a
		JOIN carries c ON c.attach = a.attach
			AND c.after = (SELECT MAX(after) FROM carries WHERE attach = a.attach AND after < ?)
		LEFT JOIN acknowledgements k ON k.attach = a.attach
			AND k.sequence = (SELECT MIN(sequence) FROM acknowledgements WHERE attach = a.attach AND sequence >= ?)
		WHERE (a.ended = 0 OR a.ended >= ? AND (a.sent >= ? OR a.reason = ?))
			AND a.epoch = ? AND (? = '' OR a.user = ?) AND a.attach > ?
		ORDER BY a.attach LIMIT ?`,
		query.Sequence, query.Sequence, nanoseconds(query.Committed), query.Sequence, account.ProcessGone,
		query.Epoch, query.User, query.User, query.After, query.Limit)
}

// PruneReceipts implements [account.ReceiptStore].
func (a *Accounts) PruneReceipts(ctx context.Context, before time.Time) error {
	return a.run(ctx, "DELETE FROM attaches WHERE ended > 0 AND ended < ?", nanoseconds(before))
}
