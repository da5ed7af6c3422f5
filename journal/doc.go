// Package journal is the ordered, durable record that everything else is
// derived from: the engine appends to it, the feed follows it, a restart
// replays it.
//
// [Log] is what the rest of the program uses. It works over a [Store], which is
// what a database must do, and keeps the newest records in memory, so that
// readers seldom touch the disk. One Log appends ([Open]); others may follow it
// ([Follow]) and learn of new records through a [Bell]. The sqlite package
// has the durable Store. Every Store passes the suite in journaltest.
//
// Promises:
//
//   - Sequences start at 1 and have no gaps; times never fall. Both are checked
//     when records are written and again when they are read.
//   - A batch is durable when Append returns, whole or not at all.
//   - Append names the head it continues, so of two writers one gets [ErrStale]
//     and nothing is overwritten.
//   - No record is read through a Log before its Append has returned, nor
//     through a Log that follows before it was announced. A lost announcement
//     costs time, never a record.
//   - A record that was changed on disk is refused by its checksum with a
//     [*CorruptError] that names its sequence; it is never returned.
//
// Log and Store are safe for concurrent use. Reads never wait for an append.
// Only [Log.Run] starts a goroutine, and it waits for it.
package journal
