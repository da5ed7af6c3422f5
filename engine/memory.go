package engine

import "slices"

// The types in this file keep their memory from one command to the next, so that
// deciding allocates nothing.

// many is the number of keys from which on they are found by a map instead of by
// comparing each.
const many = 16

// places numbers keys in the order in which they are added, from 0.
type places[K comparable] struct {
	keys []K
	at   map[K]int // nil while there are few
}

// find returns the number of a key, or -1.
func (p *places[K]) find(key K) int {
	if len(p.keys) <= many {
		return slices.Index(p.keys, key)
	}
	if i, ok := p.at[key]; ok {
		return i
	}
	return -1
}

// add returns the number of a key that is new.
func (p *places[K]) add(key K) int {
	last := len(p.keys)
	p.keys = append(p.keys, key)
	switch {
	case last == many:
		if p.at == nil {
			p.at = make(map[K]int, 4*many)
		}
		for i, k := range p.keys {
			p.at[k] = i
		}
	case last > many:
		p.at[key] = last
	}
	return last
}

// reset removes all keys. A large map is dropped, because emptying it again and again
// would slow down every later command.
func (p *places[K]) reset() {
	p.keys = p.keys[:0]
	if len(p.at) > 64*many {
		p.at = nil
	}
	clear(p.at)
}

// slab hands out values that are all freed together, so that a command allocates
// nothing once the slab has been as large as it needs.
type slab[T any] struct {
	chunks [][]T
	used   int
}

const slabChunk = 32

func (s *slab[T]) take() *T {
	chunk := s.used / slabChunk
	if chunk == len(s.chunks) {
		s.chunks = append(s.chunks, make([]T, slabChunk))
	}
	v := &s.chunks[chunk][s.used%slabChunk]
	s.used++
	return v
}

// reset frees all values. After a burst it releases the memory.
func (s *slab[T]) reset() {
	s.used = 0
	if len(s.chunks) > 64 {
		s.chunks = nil
	}
}
