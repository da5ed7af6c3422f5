package journal

import (
	"crypto/rand"
	"encoding/hex"
)

// NewEpoch returns a new identity for a journal: 16 hexadecimal digits of 64
// random bits, enough that a cursor of another journal is never taken for one
// of this.
func NewEpoch() string {
	var bits [8]byte
	// Read never fails: without randomness the program ends (crypto/rand).
	_, _ = rand.Read(bits[:])
	return hex.EncodeToString(bits[:])
}
