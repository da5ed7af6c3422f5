package journal

import "strconv"

// Position is a place in a journal: up to Sequence of the journal with that Epoch.
// The zero Position is nowhere.
type Position struct {
	Epoch    string
	Sequence uint64
}

// String returns "epoch:sequence".
func (p Position) String() string { return p.Epoch + ":" + strconv.FormatUint(p.Sequence, 10) }
