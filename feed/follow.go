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

const (
	// readBatch is how many records are taken from the journal at once.
	readBatch = 1024
	// publishBatch is how many of them are published at once. It bounds how long
	// an attach or a query may wait for the lock.
	publishBatch = 32
)

// follower is the memory of the goroutine that follows: a record leaves nothing
// behind but what the views, the index and the hub keep.
type follower struct {
	decoder      record.Decoder
	composer     composer
	records      []*trade.Record
	publications []push.Publication
	messages     []*push.Message
}

// decode returns the records of journal entries. They hold until the next call.
func (w *follower) decode(entries []journal.Record) ([]*trade.Record, error) {
	w.decoder.Reset()
	w.records = w.records[:0]
	for _, entry := range entries {
		r, err := w.decoder.Decode(entry.Sequence, entry.Time, entry.Data)
		if err != nil {
			return nil, fmt.Errorf("feed: record %d: %w", entry.Sequence, err)
		}
		w.records = append(w.records, r)
	}
	return w.records, nil
}

// subscribed says whether any stream is subscribed to a topic, which the hub is
// asked only after a change of its subscriptions.
func (f *Feed) subscribed(s *subject) bool {
	if interest := f.hub.Interest(); s.interest != interest {
		s.interest, s.wanted = interest, f.hub.Subscribed(s.topic)
	}
	return s.wanted
}

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
		for len(records) > 0 {
			n := min(len(records), publishBatch)
			if err := f.restore(records[:n], loaded); err != nil {
				return err
			}
			from = records[n-1].Sequence
			records = records[n:]
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
	f.time = stored.Time
	f.position.Set(stored.Sequence)
	return stored.Sequence, nil
}

// restore takes over records that no stream waits for yet. What the snapshot
// contains goes into the index only, and the other way round.
func (f *Feed) restore(entries []journal.Record, loaded uint64) error {
	records, err := f.follower.decode(entries)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range records {
		if r.Sequence > f.index.position {
			f.index.add(r.Sequence, r.Time, f.follower.composer.compose(r))
		}
		if r.Sequence > loaded {
			f.views.apply(r)
			f.advance(r)
		}
	}
	return nil
}

// seed gives the hub all state and opens the feed.
func (f *Feed) seed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var messages []*push.Message
	now := Message{Sequence: f.position.At(), Time: f.time}
	for symbol, m := range f.views.markets {
		topic := f.names.market(symbol)[0].topic
		for _, side := range []trade.Side{trade.SideBuy, trade.SideSell} {
			for _, level := range *m.book.side(side) {
				messages = append(messages, levelState(f.encoder, now, topic, LevelUpdate{level, symbol, side, m.book.version}))
			}
		}
		m.book.sent = m.book.best(symbol)
		messages = append(messages, bestState(f.encoder, now, topic, m.book.sent))
	}
	if err := f.hub.Seed(f.position.At(), messages); err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	f.saved = f.index.position
	close(f.ready)
	return nil
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
		for len(records) > 0 {
			n := min(len(records), publishBatch)
			decoded, err := f.follower.decode(records[:n])
			if err != nil {
				return err
			}
			if f.options.Publishing != nil {
				f.options.Publishing(decoded)
			}
			if err := f.publish(decoded); err != nil {
				return err
			}
			if f.options.Published != nil {
				f.options.Published(decoded)
			}
			position = records[n-1].Sequence
			records = records[n:]
		}
	}
}

// publish makes records visible: each of them in the views, the index and the
// streams in one step. Decoding comes before the lock.
func (f *Feed) publish(records []*trade.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := 0
	for i, r := range records {
		if !changesWhoSees(r) {
			continue
		}
		// What came before belongs to those who saw it then.
		if err := f.publishSame(records[from:i]); err != nil {
			return err
		}
		from = i + 1
		if err := f.publishChange(r); err != nil {
			return err
		}
	}
	if err := f.publishSame(records[from:]); err != nil {
		return err
	}
	if f.position.At()-f.saved >= f.options.CheckpointEvery {
		f.saved = f.position.At()
		select {
		case f.save <- struct{}{}:
		default: // The one before is not taken yet; it will save what is newest then.
		}
	}
	return nil
}

// changesWhoSees says whether a record changes what streams are subscribed to.
func changesWhoSees(r *trade.Record) bool {
	for _, event := range r.Events {
		switch event.(type) {
		case *trade.UserChanged, *trade.InstrumentChanged:
			return true
		case *trade.ExecutionReport, *trade.CancelRejected, *trade.TradeChanged, *trade.LevelChanged, *trade.PositionChanged,
			*trade.PresenceChanged, *trade.LimitsChanged, *trade.Announced, *trade.VenueChanged, *trade.DayEnded:
		}
	}
	return false
}

// publishChange publishes a record and lets live streams follow what it changes
// about who sees what. The caller holds mu.
func (f *Feed) publishChange(r *trade.Record) error {
	f.regrantFor(r)
	markets := len(f.views.markets)
	if err := f.publishSame([]*trade.Record{r}); err != nil {
		return err
	}
	f.revokeFor(r)
	if len(f.views.markets) != markets {
		f.marketsChanged()
	}
	return nil
}

// publishSame publishes records that leave subscriptions as they are. Events are
// composed and encoded only where a stream is subscribed to them. The caller
// holds mu.
func (f *Feed) publishSame(records []*trade.Record) error {
	w := &f.follower
	for _, r := range records {
		messages := w.composer.compose(r)
		f.views.apply(r)
		f.index.add(r.Sequence, r.Time, messages)
		f.advance(r)
		from := len(w.messages)
		w.messages = w.composer.appendEvents(w.messages, messages, f.encoder)
		w.messages = f.appendLevels(w.messages, messages)
		w.messages = f.appendBest(w.messages, r, uint32(len(messages)))
		w.publications = append(w.publications, push.Publication{
			Sequence: r.Sequence, Time: time.Unix(0, r.Time), Messages: w.messages[from:],
		})
	}
	err := f.hub.Publish(w.publications...)
	clear(w.publications)
	clear(w.messages)
	w.publications, w.messages = w.publications[:0], w.messages[:0]
	if err != nil {
		return fmt.Errorf("feed: %w", err)
	}
	return nil
}

// appendLevels adds the levels among messages, which the hub keeps for streams that
// subscribes later.
func (f *Feed) appendLevels(to []*push.Message, messages []addressed) []*push.Message {
	for i := range messages {
		m := &messages[i]
		if e := m.level; e != nil {
			update := LevelUpdate{trade.Level{Price: e.Price, Quantity: e.Quantity, Orders: e.Orders}, e.Symbol, e.Side, e.BookVersion}
			to = append(to, levelState(f.encoder, m.Message, m.audience[0].topic, update))
		}
	}
	return to
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
		case *trade.ExecutionReport, *trade.CancelRejected, *trade.PositionChanged, *trade.UserChanged, *trade.PresenceChanged,
			*trade.LimitsChanged, *trade.Announced, *trade.VenueChanged, *trade.DayEnded:
			continue
		}
		m := f.views.markets[symbol]
		if m == nil {
			continue
		}
		best := m.book.best(symbol)
		if best == m.book.sent {
			continue
		}
		m.book.sent = best
		from := Message{Sequence: r.Sequence, Index: index, Time: r.Time}
		messages = append(messages, bestState(f.encoder, from, f.names.market(symbol)[0].topic, best))
		index++
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
// replays go back.
func (f *Feed) replayBase(ctx context.Context, oldest, head uint64) (uint64, error) {
	if head < oldest {
		return head, nil
	}
	newest, err := f.log.Read(ctx, head-1, 1)
	if err != nil || len(newest) == 0 {
		return 0, fmt.Errorf("feed: read %d: %w", head, err)
	}
	horizon := time.Unix(0, newest[0].Time).Add(-f.options.ReplayAge).UnixNano()
	first, err := f.log.FirstSince(ctx, horizon, head)
	return first - 1, err
}
