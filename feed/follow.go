package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"todoku/journal"
	"todoku/push"
	"todoku/trade"
	"todoku/trade/record"
)

// Following the journal: first up to its head without publishing, then with.

const (
	// readBatch is how many records are taken from the journal at once.
	readBatch = 1024
	// publishBatch is how many of them are published at once. It bounds how long an
	// attach or a query waits for the lock.
	publishBatch = 32
)

// follower is the memory of the goroutine that follows, reused for every record.
type follower struct {
	decoder      record.Decoder
	composer     composer
	records      []*trade.Record
	publications []push.Publication
	messages     []*push.Message
}

// decode returns the records of journal entries, valid until the next call.
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

// subscribed returns whether any stream is subscribed to a topic. It asks the hub only
// after a change of the hub's subscriptions.
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
			return fmt.Errorf("feed: read after %d: %w", from, err)
		}
		for batch := range slices.Chunk(records, publishBatch) {
			if err := f.restore(batch, loaded); err != nil {
				return err
			}
			from = batch[len(batch)-1].Sequence
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

// restore applies records that are not published: to the views those after the loaded
// snapshot, to the index those after its checkpoint.
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
			return fmt.Errorf("feed: read after %d: %w", position, err)
		}
		for batch := range slices.Chunk(records, publishBatch) {
			decoded, err := f.follower.decode(batch)
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
			position = batch[len(batch)-1].Sequence
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
		// The records before go to the streams that could see them then.
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
		default: // A save is pending and will include this position.
		}
	}
	return nil
}

// changesWhoSees returns whether a record changes what streams are subscribed to.
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

// publishChange publishes a record and makes live streams follow its changes of who
// sees what. The caller holds mu.
func (f *Feed) publishChange(r *trade.Record) error {
	var suspended []*trade.User
	for _, event := range r.Events {
		if e, ok := event.(*trade.UserChanged); ok && e.User.Suspended {
			suspended = append(suspended, &e.User)
		} else if ok {
			f.userChanges(&e.User)
		}
	}
	markets := len(f.views.markets)
	if err := f.publishSame([]*trade.Record{r}); err != nil {
		return err
	}
	for _, user := range suspended {
		f.revoke(user)
	}
	if len(f.views.markets) != markets {
		f.marketsChanged()
	}
	return nil
}

// publishSame publishes records that do not change subscriptions. Events are encoded
// only where a stream is subscribed to them. The caller holds mu.
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

// appendLevels appends the levels among messages. They are sent to the hub without
// subscribers too, because it keeps state for later ones.
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

// appendBest appends the best prices of every market where the record changed them. The
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
		if best := m.book.best(symbol); best != m.book.sent {
			m.book.sent = best
			from := Message{Sequence: r.Sequence, Index: index, Time: r.Time}
			messages = append(messages, bestState(f.encoder, from, f.names.market(symbol)[0].topic, best))
			index++
		}
	}
	return messages
}

// saveWhenDue saves the index whenever it is due, until ctx ends.
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

// loadIndex loads the checkpoint and returns the sequence after which reading must
// begin. Without a valid checkpoint the index is made again from the journal, as far
// back as replays go.
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
	f.index.base, f.index.position = base, base
	f.mu.Unlock()
	return min(base, loaded), nil
}

// loadCheckpoint returns nil when there is none that fits the journal. Its defects are
// not reported, because the index can be made again.
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

// replayBase returns the sequence after which all records are young enough for
// replays.
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
