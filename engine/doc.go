// Package engine decides what happens on the venue. It is the only writer of the
// journal: it owns the order books, positions and limits, and what the venue
// knows of users.
//
// A command is decided against the state into events (draft, which changes
// nothing), written down as a record, applied to the state, and answered after
// the record is durable: commit, then tell. The state changes by records alone,
// so that a replay of the journal leads to the same state with the same hash, on
// any machine. Time, identifiers and facts arrive with the command; there is no
// randomness and no clock in here but the one that is handed to [Open].
//
// One goroutine, that of [Engine.Run], does all of this. [Engine.Submit] may be
// called from anywhere. What waits while a batch is synced becomes the next
// batch (group commit). Run ends when its context does, after the batch under
// way, and leaves a snapshot behind.
//
// An engine whose log follows another one is a [Follower]: it applies records and
// decides nothing, until [Engine.Promote] makes it the leader.
//
// [Book] is the order book alone, for use without any of the rest.
package engine
