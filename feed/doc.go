// Package feed follows the journal and sends users what concerns them. It turns
// records into messages, decides in one place who may see which, keeps views of the
// venue (books, working orders, positions, users), and joins the events that a client
// missed with the live ones.
//
// It decides nothing about trading: records carry the resulting orders, level totals
// and positions. Everything that it sends comes from the journal and so is durable.
//
// # What it promises
//
//   - Messages of a record are a pure function of the record. Live, replayed, or
//     replayed after a restart, they are the same bytes.
//   - Messages are published in the order of sequences, those of one record
//     together.
//   - An attach joins a snapshot or replay with the live messages without gap or
//     overlap. Where a replay is not possible, it sends a Reset and a snapshot.
//   - A stream carries what its user may see now. A change of roles or accounts
//     changes the user's live streams in the same step; a suspended user has none.
//   - Queries answer as of one position, which [Feed.WaitFor] can wait for.
//
// Book levels and best prices are state: the hub keeps their latest values and sends
// all of them to a stream after its opening. Everything else is an event.
//
// # Who may call what
//
// All exported methods are safe for concurrent use. [Feed.Run] is called once. It has
// the only goroutines, follows the journal until its context ends, saves the index and
// returns. Before [Feed.Ready] is closed, attaches, queries and subscriptions return
// [ErrNotReady] or nothing.
//
// # Locks
//
// Feed.mu comes before every lock of the hub. It is held during calls of Hub.Publish,
// Attach, Subscribe and End, as the hub requires, and while the [Encoder] encodes
// events. No I/O happens under it: the journal is read and an opening is encoded while
// the stream is served. No work under it grows with what a user holds: an attach or a
// list copies sorted trees in constant time and walks over the copies without the lock.
// The lock of the accounts' digests comes after it and is held briefly, so that
// heartbeats do not wait for a publication.
package feed
