// Package feed follows the journal and tells everybody what concerns them: it
// turns records into messages, decides by one table who may see which, keeps
// views of the venue (books, working orders, positions, users), and joins what a
// client missed with what happens now.
//
// It never decides anything about trading: records carry the resulting orders,
// level totals and positions, and the views take them over. Whatever it tells
// comes from the journal, so nothing is sent that is not durable.
//
// # What it promises
//
//   - Messages of a record are a pure function of the record. Live, replayed, or
//     replayed after a restart, they are the same bytes.
//   - Messages are published in the order of sequences, those of one record
//     together.
//   - An attach joins snapshot or replay with what follows live without gap or
//     overlap; where a replay is impossible it says so and sends a snapshot.
//   - A stream carries what its user may see now. A change of roles or accounts
//     changes the user's live streams in the same step; a suspended user has none.
//   - Queries answer as of one position, which [Feed.WaitFor] can wait for.
//
// Book levels and best prices are state: the hub holds their latest values and
// sends them whole to a stream behind its opening. Everything else is an event.
//
// # Who may call what
//
// All exported methods are safe for concurrent use. [Feed.Run] is called once; it
// owns the only goroutines, follows the journal until its context ends, saves the
// index and returns. Attach, queries and subscriptions work from the moment
// [Feed.Ready] is closed; before, they return [ErrNotReady] or nothing.
//
// # Locks
//
// Feed.mu comes before every lock of the hub. It is held while Hub.Publish,
// Attach, Subscribe and End are called, because the hub's contract needs exactly
// that, and while the [Encoder] encodes best prices. No I/O happens under it:
// reading the journal and encoding an opening are done by the consumer of the
// stream. The lock of the accounts' digests comes after it and is held for moments, so
// that heartbeats do not wait for a publication.
package feed
