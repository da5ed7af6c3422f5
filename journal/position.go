package journal

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
)

// Position is a place in a journal: up to Sequence of the journal with that Epoch.
// The zero Position is nowhere.
type Position struct {
	Epoch    string
	Sequence uint64
}

// String returns "epoch:sequence".
func (p Position) String() string { return p.Epoch + ":" + strconv.FormatUint(p.Sequence, 10) }

// NewEpoch returns a new identity for a journal: 16 hexadecimal digits of 64 random
// bits, so that a cursor of another journal is not mistaken for one of this journal.
func NewEpoch() string {
	var bits [8]byte
	_, _ = rand.Read(bits[:]) // crypto/rand.Read never fails.
	return hex.EncodeToString(bits[:])
}
