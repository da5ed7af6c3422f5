package account

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Receipts are the evidence of who was told what, when: for every attach of a
// stream what it carried from which sequence on, how far its client acknowledged,
// and how far it was sent at its end. Whether somebody was told of one event
// follows from these; nothing is stored per event.

// ReceiptStep says what a [Receipt] records.
type ReceiptStep string

// The steps of an attach, in their order.
const (
	// ReceiptBegan: a stream attached. Attach, Epoch and whose it is are set.
	ReceiptBegan ReceiptStep = "BEGAN"
	// ReceiptCarries: from the event behind Sequence on the stream carried Topics.
	ReceiptCarries ReceiptStep = "CARRIES"
	// ReceiptAcknowledged: the client had everything up to Sequence.
	ReceiptAcknowledged ReceiptStep = "ACKNOWLEDGED"
	// ReceiptEnded: the stream ended for Reason; it was sent up to Sequence.
	ReceiptEnded ReceiptStep = "ENDED"
)

// ProcessGone is the reason of attaches that were open when the process before
// this one ended without a word.
const ProcessGone = "PROCESS_GONE"

// Receipt is one step of an attach.
type Receipt struct {
	// Attach is the number of the attach, never used twice.
	Attach uint64
	Step   ReceiptStep
	// Time is when it happened; [Service.Receipt] fills it in if it is zero.
	Time     time.Time
	Sequence uint64
	// Epoch is of which history the sequences are.
	Epoch      string
	User       string
	Session    string
	Connection string
	RemoteAddr string
	// Topics are words separated by blanks. What they mean is the caller's.
	Topics string
	Reason string
}

// ToldQuery asks which attaches may have been told of an event.
type ToldQuery struct {
	Epoch    string
	Sequence uint64
	// Committed is when the event was; an attach that ended before is none.
	Committed time.Time
	// User narrows it to one user unless empty.
	User string
	// After is the attach to go on behind, 0 for the beginning.
	After uint64
	// Limit is the greatest number to return, at least 1.
	Limit int
}

// Told is an attach that was sent past an event, or may have been.
type Told struct {
	Attach     uint64
	User       string
	Session    string
	Connection string
	RemoteAddr string
	Began      time.Time
	// Topics are what it carried when the event was sent.
	Topics string
	// Acknowledged is the first recorded acknowledgement at or past the event and
	// AcknowledgedAt its time; zero for none.
	Acknowledged   uint64
	AcknowledgedAt time.Time
	// Ended is zero while the attach is open.
	Ended  time.Time
	Reason string
}

// ReceiptStore keeps receipts.
type ReceiptStore interface {
	// AppendReceipts must store the receipts in order. A step that is stored
	// already, for the same attach and sequence, is replaced; one of an attach that
	// never began is no error and may be forgotten.
	AppendReceipts(ctx context.Context, receipts []Receipt) error
	// CloseReceipts must end every attach that is open, at a time, with the reason
	// [ProcessGone].
	CloseReceipts(ctx context.Context, at time.Time) error
	// Told must return, by rising attach, the attaches of the epoch and user that
	// carried topics from before the sequence on and that are open, or ended not
	// before Committed and either were sent the sequence or ended with
	// [ProcessGone].
	Told(ctx context.Context, query ToldQuery) ([]Told, error)
	// PruneReceipts must delete the attaches that ended before a time with all
	// their steps.
	PruneReceipts(ctx context.Context, before time.Time) error
}

// receiptQueue bounds the receipts that wait to be written.
const receiptQueue = 16384

// receiptLog is the queue between streams and the store. When it is full the
// receipt is dropped and counted: a proof that is missing, never a wrong one.
type receiptLog struct {
	writing sync.Mutex // held by the one who writes; comes before mu

	mu    sync.Mutex // protects what follows
	queue []Receipt
	lost  uint64
}

// Receipt adds a step of an attach. It never waits: [Service.Run] writes receipts
// in batches, in order, and when the queue is full one is dropped and counted in
// [Stats].
func (s *Service) Receipt(r Receipt) {
	if r.Time.IsZero() {
		r.Time = s.now()
	}
	r.Reason = clip(r.Reason)
	l := &s.receipts
	l.mu.Lock()
	full, first := len(l.queue) >= receiptQueue, len(l.queue) == 0
	if full {
		l.lost++
	} else {
		l.queue = append(l.queue, r)
	}
	l.mu.Unlock()
	if first {
		s.log.ring()
	}
}

// writeReceipts writes what is queued. What the store does not take stays.
func (s *Service) writeReceipts(ctx context.Context) error {
	l := &s.receipts
	l.writing.Lock()
	defer l.writing.Unlock()
	for {
		l.mu.Lock()
		batch := slices.Clone(l.queue[:min(len(l.queue), s.cfg.AccessLog.Batch)])
		l.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		err := s.write(ctx, func(ctx context.Context) error { return s.store.AppendReceipts(ctx, batch) })
		if err != nil {
			return fmt.Errorf("account: write receipts: %w", err)
		}
		l.mu.Lock()
		l.queue = slices.Delete(l.queue, 0, len(batch))
		l.mu.Unlock()
	}
}

func (l *receiptLog) counts() (queued int, lost uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue), l.lost
}

// Told returns the attaches that were or may have been told of an event, with
// everything that was recorded before the call. The error is the store's.
func (s *Service) Told(ctx context.Context, query ToldQuery) ([]Told, error) {
	if err := s.writeReceipts(ctx); err != nil {
		return nil, err
	}
	told, err := s.store.Told(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("account: read receipts: %w", err)
	}
	return told, nil
}
