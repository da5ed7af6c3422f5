package engine

import (
	"hash/maphash"
	"iter"

	"todoku/trade"
)

// requests remembers what was answered, so that the same request again gets the
// same answer: for the trading day in which it came and the next one, so that a
// retry over midnight finds it.
//
// There may be millions, and every command is looked for and then entered. The
// answers lie in pieces in the order of their sequences, so that no growth copies
// them all; small tables, each for a share of the hashes, say where. A built-in map
// by name took a third of all the time that the engine spent.
type requests struct {
	seed   maphash.Seed
	tables [requestTables]requestTable
	// pieces hold requestPiece each, the last one up to as many; the number of the
	// very first is base.
	pieces [][]trade.RequestState
	base   uint64
	// gone is how many at the beginning of the first piece are forgotten.
	gone int
	// forgotten is the time before which what was answered is forgotten; 0 at first.
	forgotten int64
	// unsought says that nobody will look for one, so that nothing says where they are.
	unsought bool
}

const (
	requestPiece  = 1024
	requestTables = 256
)

func newRequests() requests { return requests{seed: maphash.MakeSeed()} }

// hash is that of a request's name in its scope: the account or, for
// administration, the user. It differs from process to process, so that nobody can
// choose names that meet; nothing but the place in a table depends on it.
func (r *requests) hash(a *trade.Actor) uint64 {
	scope := maphash.String(r.seed, string(a.Account))
	if a.Account == "" {
		scope = ^maphash.String(r.seed, string(a.User))
	}
	// Zero marks a free cell.
	return (scope*prime ^ maphash.String(r.seed, string(a.Request))) | 1
}

// sameRequest says whether two requests have one name in one scope.
func sameRequest(a, b *trade.Actor) bool {
	return a.Request == b.Request && a.Account == b.Account && (a.Account != "" || a.User == b.User)
}

func (r *requests) table(hash uint64) *requestTable { return &r.tables[hash>>56] }

func (r *requests) at(number uint64) *trade.RequestState {
	place := number - r.base
	return &r.pieces[place/requestPiece][place%requestPiece]
}

func (r *requests) len() int {
	if len(r.pieces) == 0 {
		return 0
	}
	last := len(r.pieces) - 1
	return last*requestPiece + len(r.pieces[last]) - r.gone
}

// find returns what a request was answered, or nil.
func (r *requests) find(a *trade.Actor) *trade.RequestState {
	hash := r.hash(a)
	for number := range r.table(hash).numbers(hash) {
		if kept := r.at(number); sameRequest(&kept.Actor, a) {
			return kept
		}
	}
	return nil
}

// add remembers a request that is not there.
func (r *requests) add(kept *trade.RequestState) {
	last := len(r.pieces) - 1
	if last < 0 || len(r.pieces[last]) == requestPiece {
		r.pieces = append(r.pieces, make([]trade.RequestState, 0, requestPiece))
		last++
	}
	if !r.unsought {
		hash := r.hash(&kept.Actor)
		r.table(hash).put(hash, r.base+uint64(last*requestPiece+len(r.pieces[last])))
	}
	r.pieces[last] = append(r.pieces[last], *kept)
}

// all yields the requests in the order of their sequences.
func (r *requests) all() iter.Seq[*trade.RequestState] {
	return func(yield func(*trade.RequestState) bool) {
		from := r.gone
		for _, piece := range r.pieces {
			for i := from; i < len(piece); i++ {
				if !yield(&piece[i]) {
					return
				}
			}
			from = 0
		}
	}
}

// forget drops what was answered before a time.
func (r *requests) forget(before int64) {
	r.forgotten = max(r.forgotten, before)
	number := r.base + uint64(r.gone)
	for kept := range r.all() {
		if kept.Time >= before {
			break
		}
		if !r.unsought {
			hash := r.hash(&kept.Actor)
			r.table(hash).drop(hash, number)
		}
		number++
		r.gone++
	}
	for len(r.pieces) > 0 && r.gone >= len(r.pieces[0]) {
		r.gone -= len(r.pieces[0])
		r.base += requestPiece
		r.pieces = r.pieces[1:]
	}
	for i := range r.tables {
		r.tables[i].shrink()
	}
}
