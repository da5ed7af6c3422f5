package account

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Passwords are stored as argon2id in the PHC string format
// (https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md):
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>
//
// so that the cost can be changed without losing what was stored before.

const (
	saltSize = 16 // RFC 9106, section 3.1
	hashSize = 32

	// Bounds on the cost. They are there for stored hashes: a damaged one must
	// not take the machine's memory or a minute of its time.
	maxMemoryKiB = 1 << 20
	maxPasses    = 16
	maxLanes     = 16
)

// errBadHash says that a stored hash cannot be read. It never holds the hash.
var errBadHash = errors.New("account: stored password hash is malformed")

// validate refuses costs that argon2 would refuse by panic, or that make no sense.
func (c HashCost) validate() error {
	switch {
	case c.Passes < 1 || c.Passes > maxPasses:
		return fmt.Errorf("account: argon2 passes are 1 to %d", maxPasses)
	case c.Lanes < 1 || c.Lanes > maxLanes:
		return fmt.Errorf("account: argon2 lanes are 1 to %d", maxLanes)
	case c.MemoryKiB < 8*uint32(c.Lanes) || c.MemoryKiB > maxMemoryKiB:
		return fmt.Errorf("account: argon2 memory is 8 KiB per lane to %d KiB", maxMemoryKiB)
	}
	return nil
}

// passwordHash is one stored password, taken apart.
type passwordHash struct {
	cost HashCost
	salt []byte
	hash []byte
}

// newPasswordHash hashes password with a fresh salt. It takes the time and
// memory that cost says; callers hold a slot of the gate.
func newPasswordHash(cost HashCost, password string) passwordHash {
	h := passwordHash{cost: cost, salt: make([]byte, saltSize)}
	_, _ = rand.Read(h.salt) // crypto/rand.Read never fails.
	h.hash = h.derive(password)
	return h
}

// unknownUserHash matches no password: nobody knows one that gives these random
// bytes. Checking against it costs what checking a real one costs.
func unknownUserHash(cost HashCost) passwordHash {
	h := passwordHash{cost: cost, salt: make([]byte, saltSize), hash: make([]byte, hashSize)}
	_, _ = rand.Read(h.salt) // crypto/rand.Read never fails.
	_, _ = rand.Read(h.hash)
	return h
}

func (h passwordHash) derive(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.cost.Passes, h.cost.MemoryKiB, h.cost.Lanes, hashSize)
}

// matches reports whether password is correct, in constant time.
func (h passwordHash) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password), h.hash) == 1
}

// encode returns the PHC string.
func (h passwordHash) encode() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.cost.MemoryKiB, h.cost.Passes, h.cost.Lanes,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.hash))
}

// parsePasswordHash reads what encode wrote, and nothing else.
func parsePasswordHash(text string) (passwordHash, error) {
	var h passwordHash
	var encoded string
	_, err := fmt.Sscanf(text, "$argon2id$v=19$m=%d,t=%d,p=%d$%s", &h.cost.MemoryKiB, &h.cost.Passes, &h.cost.Lanes, &encoded)
	salt, hash, _ := strings.Cut(encoded, "$")
	var saltErr, hashErr error
	h.salt, saltErr = base64.RawStdEncoding.DecodeString(salt)
	h.hash, hashErr = base64.RawStdEncoding.DecodeString(hash)
	if errors.Join(err, saltErr, hashErr) != nil || len(h.salt) != saltSize || len(h.hash) != hashSize ||
		h.cost.validate() != nil || h.encode() != text {
		return passwordHash{}, errBadHash
	}
	return h, nil
}
