package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"todoku/journal"
	"todoku/push"
	"todoku/trade"
	"todoku/trade/record"
)

// Following the journal: first in silence up to its head, then aloud.

// readBatch is how many records are taken from the journal at once.
const readBatch = 1024

// start brings views and index to the journal's head and seeds the hub there.
func (f *Feed) start(ctx context.Context) error {
	loaded, err := f.loadViews(ctx)
	if err != nil {
		return err
	}
	from, err := f.loadIndex(ctx, loaded)
	if err != nil {
		return err
	}
	for from < f.log.Head() {
		records, err := f.log.Read(ctx, from, readBatch)
		if err != nil {
			return fmt.Errorf("feed: read behind %d: %w", from, err)
		}
		for _, raw := range records {
			if err := f.restore(raw, loaded); err != nil {
				return err
			}
			from = raw.Sequence
		}
	}
	return f.seed()
}

// loadViews starts from the newest snapshot and returns its sequence.
func (f *Feed) loadViews(ctx context.Context) (uint64, error) {
	stored, err := f.log.LoadSnapshot(ctx, journal.MaxSequence)
	if errors.Is(err, journal.ErrNoSnapshot) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("feed: load snapshot: %w", err)
	}
	snapshot, err := record.DecodeSnapshot(stored.Data)
	if err != nil {
		return 0, fmt.Errorf("feed: snapshot of %d: %w", stored.Sequence, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.views.load(snapshot)
	f.position, f.time = stored.Sequence, stored.Time
	return stored.Sequence, nil
}

// restore takes over a record that nobody is listening for yet. What the
// snapshot contains goes into the index only, and the other way round.
func (f *Feed) restore(raw journal.Record, loaded uint64) error {
	r, err := record.Decode(raw.Sequence, raw.Time, raw.Data)
	if err != nil {
		return fmt.Errorf("feed: record %d: %w", raw.Sequence, err)
	}
	messages := f.composer.compose(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Sequence > f.index.position {
		f.index.add(r.Sequence, r.Time, messages)
	}
	if r.Sequence > loaded {
		f.views.apply(r)
		f.advance(r)
	}
	return nil
}

// seed gives the hub all state and opens the feed.
func (f *Feed) seed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var state []*push.Message
	for symbol, m := range f.views.markets {
		topic := f.names.market(symbol)
		for _, side := range []trade.Side{trade.SideBuy, trade.SideSell} {
			for _, level := range *m.book.side(side) {
				update := &LevelUpdate{level, symbol, side, m.book.version}
				state = append(state, f.stateMessage(topic, "book_update", levelKey(side, level.Price), update))
			}
		}
		m.book.told = m.book.best(symbol)
		told := m.book.told
		state = append(state, f.stateMessage(topic, "best_bid_offer", bestKey, &told))
	}
	if err := f.hub.Seed(f.position, state); err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	f.saved = f.index.position
	close(f.ready)
	return nil
}

// stateMessage encodes state as of the present position.
func (f *Feed) stateMessage(topic push.Topic, kind, key string, body any) *push.Message {
	return &push.Message{
		Sequence: f.position, Topic: topic, Key: key, Kind: kind,
		Data: f.encoder.Encode(Message{Sequence: f.position, Time: f.time, Body: body}),
	}
}

// follow publishes record after record until ctx ends.
func (f *Feed) follow(ctx context.Context) error {
	position := f.Position()
	for {
		if _, err := f.log.Wait(ctx, position); err != nil {
			return err
		}
		records, err := f.log.Read(ctx, position, readBatch)
		if err != nil {
			return fmt.Errorf("feed: read behind %d: %w", position, err)
		}
		for _, raw := range records {
			r, err := record.Decode(raw.Sequence, raw.Time, raw.Data)
			if err != nil {
				return fmt.Errorf("feed: record %d: %w", raw.Sequence, err)
			}
			if err := f.publish(r); err != nil {
				return err
			}
			position = raw.Sequence
		}
	}
}

// publish makes one record visible: in the views, the index and the streams in
// one step. Decoding and encoding come before the lock.
func (f *Feed) publish(r *trade.Record) error {
	messages := f.composer.compose(r)
	p := publication(r, messages, f.encoder)

	f.mu.Lock()
	defer f.mu.Unlock()
	f.regrantFor(r)
	markets := len(f.views.markets)
	f.views.apply(r)
	f.index.add(r.Sequence, r.Time, messages)
	f.advance(r)
	p.Messages = f.appendBest(p.Messages, r, uint32(len(messages)))
	if err := f.hub.Publish(p); err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	f.revokeFor(r)
	if len(f.views.markets) != markets {
		f.marketsChanged()
	}
	if r.Sequence-f.saved >= f.options.CheckpointEvery {
		f.saved = r.Sequence
		select {
		case f.save <- struct{}{}:
		default: // The one before is not taken yet; it will save what is newest then.
		}
	}
	return nil
}

// appendBest adds the best prices of every market that the record moved. The
// caller holds mu.
func (f *Feed) appendBest(messages []*push.Message, r *trade.Record, index uint32) []*push.Message {
	for _, event := range r.Events {
		var symbol trade.Symbol
		switch e := event.(type) {
		case *trade.LevelChanged:
			symbol = e.Symbol
		case *trade.TradeChanged:
			symbol = e.Trade.Symbol
		case *trade.InstrumentChanged:
			symbol = e.Instrument.Symbol
		default:
			continue
		}
		m := f.views.markets[symbol]
		if m == nil {
			continue
		}
		best := m.book.best(symbol)
		if best == m.book.told {
			continue
		}
		m.book.told = best
		one := f.stateMessage(f.names.market(symbol), "best_bid_offer", bestKey, &best)
		one.Index = index
		index++
		messages = append(messages, one)
	}
	return messages
}

// regrantFor lets live streams follow what a record changes about who sees what,
// and revokeFor ends those of users whom it suspends. The caller holds mu.
func (f *Feed) regrantFor(r *trade.Record) {
	for _, event := range r.Events {
		if e, ok := event.(*trade.UserChanged); ok && !e.User.Suspended {
			f.regrant(&e.User)
		}
	}
}

func (f *Feed) revokeFor(r *trade.Record) {
	for _, event := range r.Events {
		if e, ok := event.(*trade.UserChanged); ok && e.User.Suspended {
			f.revoke(&e.User)
		}
	}
}

// saveWhenDue saves the index whenever asked, until ctx ends.
func (f *Feed) saveWhenDue(ctx context.Context) {
	for {
		select {
		case <-f.save:
			f.saveIndex(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// saveLast saves the index when the feed stops, although its context has ended.
func (f *Feed) saveLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finalSaveTimeout)
	defer cancel()
	f.saveIndex(ctx)
}

func (f *Feed) saveIndex(ctx context.Context) {
	if f.store == nil {
		return
	}
	f.mu.Lock()
	checkpoint := f.index.clone()
	f.mu.Unlock()
	blob := encodeIndex(f.log.Epoch(), checkpoint)
	if err := f.store.SaveIndex(ctx, checkpoint.position, blob); err != nil && f.options.CheckpointFailed != nil {
		f.options.CheckpointFailed(fmt.Errorf("feed: save index of %d: %w", checkpoint.position, err))
	}
}

// loadIndex takes the checkpoint over and returns the sequence behind which
// reading must begin. Without a good checkpoint the index is made again from the
// journal, as far back as replays go.
func (f *Feed) loadIndex(ctx context.Context, loaded uint64) (uint64, error) {
	oldest, head := f.log.Oldest(), f.log.Head()
	if restored := f.loadCheckpoint(ctx, oldest, head); restored != nil {
		f.mu.Lock()
		f.index = restored
		f.mu.Unlock()
		return min(restored.position, loaded), nil
	}
	base, err := f.replayBase(ctx, oldest, head)
	if err != nil {
		return 0, err
	}
	f.mu.Lock()
	f.index.begin(base)
	f.mu.Unlock()
	return min(base, loaded), nil
}

// loadCheckpoint returns nil when there is none that fits the journal: it can
// always be made again, so what is wrong with it does not matter.
func (f *Feed) loadCheckpoint(ctx context.Context, oldest, head uint64) *index {
	if f.store == nil {
		return nil
	}
	_, blob, err := f.store.LoadIndex(ctx)
	if err != nil || len(blob) == 0 {
		return nil
	}
	epoch, restored, err := decodeIndex(blob, f.options.ReplayEvents, f.options.ReplayAge)
	if err != nil || epoch != f.log.Epoch() || restored.position > head || restored.position+1 < oldest {
		return nil
	}
	return restored
}

// replayBase returns the sequence behind which everything is younger than
// replays go back. Times never fall, so it searches by halves.
func (f *Feed) replayBase(ctx context.Context, oldest, head uint64) (uint64, error) {
	if head < oldest {
		return head, nil
	}
	newest, err := f.log.Read(ctx, head-1, 1)
	if err != nil || len(newest) == 0 {
		return 0, fmt.Errorf("feed: read %d: %w", head, err)
	}
	horizon := time.Unix(0, newest[0].Time).Add(-f.options.ReplayAge).UnixNano()
	low, high := oldest, head // The first record not older than the horizon is within.
	for low < high {
		middle := low + (high-low)/2
		records, err := f.log.Read(ctx, middle-1, 1)
		if err != nil || len(records) == 0 {
			return 0, fmt.Errorf("feed: read %d: %w", middle, err)
		}
		if records[0].Time < horizon {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low - 1, nil
}
