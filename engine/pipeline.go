package engine

import "context"

// Two batches are under way at most: one is being synced, beside, and the next is
// decided meanwhile, on a state that already holds the first. Nothing of either is
// told before it is durable, and the second is not given to the journal before the
// first is there. When the first turns out not to be, memory goes back to what the
// journal says, and the second's commands are decided again, as if they had waited
// outside: they never reached the disk.

// worthSync is how many commands are decided before a sync begins although more
// wait. It makes the first of a burst wait for about a millisecond, and those
// behind it share its sync.
const worthSync = 256

// worthAside is how large a batch is synced beside the engine. When batches are
// smaller than this, what comes meanwhile is decided in less time than the hand-over
// takes from those who wait.
const worthAside = 128

// worthDeciding is about how many commands wake the engine while a sync is under
// way. Fewer take less time to decide than it takes to wake up for each.
const worthDeciding = 32

// commit begins to make the batch durable if nothing else is under way and it is
// worth it.
func (e *Engine) commit(ctx context.Context) {
	if e.syncing == nil && !e.batch.empty() && (len(e.batch.pending) >= worthSync || len(e.queue) == 0) {
		e.send(ctx)
	}
}

// send gives the batch to the journal. Nothing else may be on its way there.
func (e *Engine) send(ctx context.Context) {
	b := e.batch
	e.batch, e.spare = e.spare, nil
	if e.batch == nil {
		e.batch = &batch{}
	}
	if len(b.records) == 0 {
		// All that the answers rest on is durable.
		b.tell(nil)
		e.reuse(b)
		return
	}
	e.syncing = b
	if len(b.pending) < worthAside {
		e.sync(ctx, b)
	} else {
		go e.sync(ctx, b)
	}
}

// sync gives a batch to the journal and tells its answers, while the engine may be
// in the middle of a decision.
func (e *Engine) sync(ctx context.Context, b *batch) {
	err := e.log.Append(ctx, b.records[0].Sequence-1, b.records)
	if err == nil {
		b.tell(nil)
	}
	e.outcome <- err
}

// reuse keeps a batch's memory for the next one.
func (e *Engine) reuse(b *batch) {
	b.reset()
	e.spare = b
}

// settle takes over how the append ended that was under way. Those who waited for
// a success have been told it.
func (e *Engine) settle(ctx context.Context, cause error) {
	b := e.syncing
	e.syncing = nil
	if cause != nil {
		b.tell(e.examine(ctx, b.records, cause))
		e.again(ctx)
	}
	e.reuse(b)
	e.snapshots.offer(e.log.Head())
}

// again decides once more, in the same order, what was decided on a state that did
// not come to be. What the clock did by itself is due again by itself.
func (e *Engine) again(ctx context.Context) {
	void := e.batch
	e.batch = &batch{}
	for _, p := range void.pending {
		e.decide(ctx, p.submission, p.index)
	}
}

// room waits until the batch takes another command: while two batches are full,
// nothing is decided.
func (e *Engine) room(ctx context.Context) {
	for e.batch.full() {
		e.move(ctx)
	}
}

// drain makes all that was decided durable.
func (e *Engine) drain(ctx context.Context) {
	for e.syncing != nil || !e.batch.empty() {
		e.move(ctx)
	}
}

// move waits for the sync under way or, when there is none, begins one.
func (e *Engine) move(ctx context.Context) {
	if e.syncing != nil {
		e.settle(ctx, <-e.outcome)
	} else {
		e.send(ctx)
	}
}
