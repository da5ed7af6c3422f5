// Package record encodes what the engine decided, for permanent storage: the records
// of the journal, the snapshots of the venue's state, and the hash by which two
// engines compare theirs.
//
// The format is Protocol Buffers, as proto/todoku/journal/v1/journal.proto
// defines it; fields are only ever added. The code is written by hand over
// protowire because every order is encoded and decoded, and the generated code needs
// several times the time and memory. A test holds both to the same bytes.
//
// Encoding is deterministic: equal values give equal bytes on any machine.
// Decoding never panics, allocates in proportion to its input, and skips fields that
// a later version has added. It refuses with [ErrMalformed] what it cannot understand
// completely: an event of an unknown kind or an unknown enum value changed something,
// and skipping it would give a wrong state.
//
// All functions are safe for concurrent use; none keeps its arguments.
package record
