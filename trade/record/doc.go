// Package record writes down for ever what the engine decided: the records of
// the journal, the snapshots of the venue's state, and the hash by which two
// engines compare theirs.
//
// The format is Protocol Buffers, as proto/todoku/journal/v1/journal.proto
// defines it; fields are only ever added. The code is written by hand over
// protowire because encoding and decoding stand on the way of every order and
// the generated code needs several times the time and memory; a test holds both
// to the same bytes.
//
// Encoding is deterministic: equal values give equal bytes on any machine.
// Decoding never panics, allocates in proportion to its input, passes over
// fields that a later version has added, and refuses with [ErrMalformed] what it
// cannot understand whole: an event of an unknown kind or an unknown enum value
// changed something, and passing over it would give a wrong state.
//
// All functions are safe for concurrent use; none keeps what it is given.
package record
