// Package engine decides what happens on the venue. It is the only writer of the
// journal: it owns the order books, positions and limits, and what the venue
// knows of users.
//
// Each command goes through four steps. It is decided: a draft reads the state and
// makes events, without changing the state. The events are encoded as a record. The
// record is applied to the state. The command is answered after the record is durable.
// Only records change the state, so a replay of the journal leads to the same state
// with the same hash on any machine. Time, identifiers and facts arrive with the
// command; the package uses no randomness and no clock but the one given to [Open].
//
// One goroutine, that of [Engine.Run], does all of this. [Engine.Submit] may be
// called from anywhere. Commands that wait while a batch is synced become the next
// batch (group commit). When its context ends, Run finishes the current batch, writes
// a snapshot and returns.
//
// An engine whose log follows another one is a [Follower]: it applies records and
// decides nothing, until [Engine.Promote] makes it the leader.
package engine
