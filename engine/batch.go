package engine

import "todoku/journal"

// Bounds of one group commit. A batch is closed when it has passed any of them, so
// that it is never longer than maxBatchBytes and one record, which the journal
// takes.
const (
	maxBatchCommands = 4096
	maxBatchRecords  = 4096
	maxBatchBytes    = 2 << 20
)

// batch is what one append makes durable, and who waits for that. A command that
// led to no record waits as well: what it was told may rest on one that did.
type batch struct {
	records []journal.Record
	size    int // of the records' data, in bytes
	pending []pending
}

// pending is a command that is decided and not yet durable.
type pending struct {
	submission *submission
	index      int
}

func (b *batch) add(r journal.Record) {
	b.records = append(b.records, r)
	b.size += len(r.Data)
}

func (b *batch) empty() bool { return len(b.records) == 0 && len(b.pending) == 0 }

// full says whether the batch should be closed.
func (b *batch) full() bool {
	return b.size >= maxBatchBytes || len(b.records) >= maxBatchRecords || len(b.pending) >= maxBatchCommands
}

// tell gives the commands what was decided, or the error in its place. A
// submission learns its results with the last of them.
func (b *batch) tell(err error) {
	for _, p := range b.pending {
		if err != nil {
			p.submission.results[p.index] = Result{Err: err}
		}
		if p.index == len(p.submission.commands)-1 {
			close(p.submission.done)
		}
	}
}

// reset empties the batch for the next one to use its memory.
func (b *batch) reset() {
	clear(b.records)
	clear(b.pending)
	b.records, b.pending, b.size = b.records[:0], b.pending[:0], 0
}
