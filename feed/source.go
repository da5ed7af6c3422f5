package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"todoku/journal"
	"todoku/push"
	"todoku/trade"
	"todoku/trade/record"
)

// The opening of a stream. Its content is decided under the lock; it is read and encoded
// in the stream's turns, no faster than the client reads.

// groupSize is how many messages of a snapshot are encoded at once.
const groupSize = 256

// snapshot is the content of a stream's snapshot, as references.
type snapshot struct {
	holdings

	sequence    uint64
	time        int64
	reset       Cause
	instruments []*trade.Instrument
	user        *trade.User
}

// item is a message of a snapshot before it is encoded.
type item struct {
	kind string
	body Body
}

// capture returns the content of a snapshot for a stream. The caller holds mu.
func (f *Feed) capture(a *Attached, user *trade.User) snapshot {
	return snapshot{
		sequence: f.position.At(), time: f.time, reset: a.Cause, instruments: f.views.instruments(), user: user,
		holdings: f.views.capture(a.visibility),
	}
}

// pull lists the messages of the snapshot in the order in which a client can use them.
func (s snapshot) pull() pull {
	var first []item
	if s.reset != CauseNone {
		first = append(first, item{"reset", &Reset{s.reset}})
	}
	instruments := s.instruments
	return lists(
		pullItems(append(first, item{"snapshot_begin", &SnapshotBegin{}})...),
		func() (item, bool) {
			if len(instruments) == 0 {
				return item{}, false
			}
			first := instruments[0]
			instruments = instruments[1:]
			return item{"instrument_update", Instrument{first}}, true
		},
		pullItems(item{"user_update", User{s.user}}),
		s.holdings.pull(),
		pullItems(item{snapshotEnd, &SnapshotEnd{}}),
	)
}

// snapshotEnd is the kind of a snapshot's last item.
const snapshotEnd = "snapshot_end"

// take returns up to most items of a list.
func take(list pull, most int) []item {
	var items []item
	for len(items) < most {
		next, ok := list()
		if !ok {
			break
		}
		items = append(items, next)
	}
	return items
}

// encodeItems encodes items of a snapshot, the first of which has the given index.
func encodeItems(encoder Encoder, s snapshot, items []item, index int) []*push.Message {
	if len(items) == 0 {
		return nil
	}
	messages := make([]*push.Message, len(items))
	for i, it := range items {
		at := uint32(index + i)
		messages[i] = &push.Message{
			Sequence: s.sequence, Index: at, Kind: it.kind,
			Data: encoder.Encode(Message{Sequence: s.sequence, Index: at, Time: s.time, Body: it.body}),
		}
	}
	return messages
}

// snapshotSource yields a snapshot in groups whose cursor moves with the last.
func (f *Feed) snapshotSource(s snapshot) push.Source {
	list, done := s.pull(), 0
	return func() (push.Group, error) {
		items := take(list, groupSize)
		if len(items) == 0 {
			return push.Group{}, io.EOF
		}
		messages := encodeItems(f.encoder, s, items, done)
		done += len(items)
		return push.Group{Messages: messages, Sequence: s.sequence, Unfinished: items[len(items)-1].kind != snapshotEnd}, nil
	}
}

// replaySource yields the messages of the given sequences that belong to the
// topics, a group per sequence.
func (f *Feed) replaySource(ctx context.Context, topics []push.Topic, sequences []uint64) push.Source {
	if len(sequences) == 0 {
		return nil
	}
	replay := f.newReplay(topics, sequences)
	return func() (push.Group, error) {
		r, messages, err := replay.next(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return push.Group{}, f.hub.Gone(ctx, "the client went away during the replay", err)
		case err != nil:
			return push.Group{}, err
		}
		return push.Group{Messages: replay.composer.appendEvents(nil, messages, f.encoder), Sequence: r.Sequence}, nil
	}
}

func topicSet(topics []push.Topic) map[push.Topic]bool {
	set := make(map[push.Topic]bool, len(topics))
	for _, topic := range topics {
		set[topic] = true
	}
	return set
}

// replay reads chosen sequences of the journal. Used by one goroutine at a time.
type replay struct {
	log       *journal.Log
	composer  *composer
	topics    map[push.Topic]bool
	sequences []uint64         // Not returned yet.
	records   []journal.Record // Read ahead, consecutive.
}

func (f *Feed) newReplay(topics []push.Topic, sequences []uint64) *replay {
	return &replay{log: f.log, composer: newComposer(), topics: topicSet(topics), sequences: sequences}
}

// next returns the next record and those of its events that the topics carry, or
// io.EOF. The messages are valid until the next call.
func (p *replay) next(ctx context.Context) (*trade.Record, []addressed, error) {
	if len(p.sequences) == 0 {
		return nil, nil, io.EOF
	}
	raw, err := p.read(ctx, p.sequences[0])
	if err != nil {
		return nil, nil, err
	}
	p.sequences = p.sequences[1:]
	r, err := record.Decode(raw.Sequence, raw.Time, raw.Data)
	if err != nil {
		return nil, nil, fmt.Errorf("feed: record %d: %w", raw.Sequence, err)
	}
	messages := p.composer.compose(r)
	messages = slices.DeleteFunc(messages, func(m addressed) bool { return m.level != nil })
	kept := messages[:0]
	for _, m := range messages {
		m.audience = slices.DeleteFunc(slices.Clone(m.audience), func(s *subject) bool { return !p.topics[s.topic] })
		if len(m.audience) > 0 {
			kept = append(kept, m)
		}
	}
	return r, kept, nil
}

// readAhead bounds the gap between two chosen records that are read at once: reading
// a few unneeded records costs less than a second read.
const readAhead = 64

// read returns one record, from the records read before if it is among them.
func (p *replay) read(ctx context.Context, sequence uint64) (journal.Record, error) {
	if n := len(p.records); n == 0 || sequence > p.records[n-1].Sequence || sequence < p.records[0].Sequence {
		last := sequence
		for _, next := range p.sequences {
			if next-last > readAhead || next-sequence >= readBatch {
				break
			}
			last = next
		}
		records, err := p.log.Read(ctx, sequence-1, int(last-sequence)+1)
		if errors.Is(err, journal.ErrCompacted) {
			return journal.Record{}, fmt.Errorf("%w: %w", ErrCompacted, err)
		}
		if err != nil {
			return journal.Record{}, fmt.Errorf("feed: read %d: %w", sequence, err)
		}
		if len(records) == 0 {
			return journal.Record{}, fmt.Errorf("feed: read %d: %w", sequence, journal.ErrCorrupt)
		}
		p.records = records
	}
	return p.records[sequence-p.records[0].Sequence], nil
}
