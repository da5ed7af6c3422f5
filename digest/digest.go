// Package digest is the arithmetic by which a client proves that it holds what the
// venue holds: the digest of an account is the sum, modulo 2^64, of one hash for
// each of its working orders and each of its positions.
//
// A sum does not depend on order, and what changes is subtracted and added again:
// both sides keep theirs at the cost of two hashes a change, however much an account
// holds. The hash is of what the thing is, what it is called and which sequence
// changed it last; since the venue writes each sequence once, two sides that agree
// on these agree on the rest.
//
// It must be easy to write again in any language, so it is two steps of SplitMix64's
// finaliser over whole words. FNV-1a alone, which is simpler still, will not do: its
// last bytes hardly mix, and sums of such hashes meet often (two orders that were
// changed by 5 and 6 and, on the other side, by 6 and 5). It serves only to make a
// word of a position's name. None of it withstands somebody who looks for collisions,
// and it need not: it guards against defects, not against the venue.
//
// The values are part of the protocol and never change; docs/protocol.md has them
// for implementers, with test vectors. All functions are pure.
package digest

// The kinds of thing that an account holds. 3 is meant for negotiations.
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
