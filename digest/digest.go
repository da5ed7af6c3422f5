// Package digest computes the digest by which client and venue compare what an account
// holds: the sum, modulo 2^64, of one hash for each working order and each position.
//
// A sum does not depend on order, and a change costs two hashes: subtract the old one, add
// the new one. The hash is of the kind, the name and the sequence of the latest change. As
// the venue uses each sequence once, equal digests mean equal contents.
//
// It must be easy to write in any language, so it is two steps of SplitMix64's finaliser
// over whole words. FNV-1a alone mixes its last bytes too little: two orders changed by 5
// and 6, and by 6 and 5, can have the same sum. It only makes a word of a position's name.
// The digest finds defects; it does not resist deliberate collisions, and need not.
//
// The values are part of the protocol and never change; docs/protocol.md has them
// for implementers, with test vectors. All functions are pure.
package digest

// What an account holds. 3 is reserved for negotiations.
const (
	kindOrder    = 1
	kindPosition = 2
)

// Order returns the hash of a working order: the venue's id for it and the sequence
// that changed it last.
func Order(id, sequence uint64) uint64 { return hash(kindOrder, id, sequence) }

// Position returns the hash of a position, flat ones included, and the sequence that
// changed it last. Its name is the account, a space and the symbol; neither has one.
func Position(account, symbol string, sequence uint64) uint64 {
	name := fnv(fnv(fnv(fnvOffset, account), " "), symbol)
	return hash(kindPosition, name, sequence)
}

func hash(kind, name, sequence uint64) uint64 {
	return mix(mix(name+kind*golden) + sequence)
}

// golden is 2^64 divided by the golden ratio.
const golden = 0x9e3779b97f4a7c15

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable
// Pseudorandom Number Generators, 2014), a bijection.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// The constants of FNV-1a for 64 bits (draft-eastlake-fnv).
const (
	fnvOffset = 0xcbf29ce484222325
	fnvPrime  = 0x100000001b3
)

// fnv continues FNV-1a over the bytes of a text.
func fnv(h uint64, text string) uint64 {
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * fnvPrime
	}
	return h
}
