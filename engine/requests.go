package engine

import (
	"hash/maphash"
	"iter"

	"todoku/trade"
)

// requests keeps the answers of requests, so that a repeated request gets the same
// answer. It keeps them for the trading day of the request and the next one, so that a
// retry after midnight finds its answer.
//
// There may be millions, and every command is looked up and then added. The answers are
// in pieces in the order of their sequences, so that growing never copies them all.
// Small tables, each for a part of the hashes, hold their places. A built-in map by name
// took a third of the engine's time.
type requests struct {
	seed   maphash.Seed
	tables [requestTables]requestTable
	// pieces hold requestPiece answers each, the last piece up to as many; base is the
	// number of the first one.
	pieces [][]trade.RequestState
	base   uint64
	// gone is the number of forgotten answers at the beginning of the first piece.
	gone int
	// forgotten is the time before which answers are forgotten; 0 at first.
	forgotten int64
	// noLookup says that find is never called, so that no table is needed.
	noLookup bool
}

const (
	requestPiece  = 1024
	requestTables = 256
)

func newRequests() requests { return requests{seed: maphash.MakeSeed()} }

// hash is that of a request's name in its scope: the account or, for administration,
// the user. The seed differs in each process, so that nobody can choose names that
// collide; only the place in a table depends on it.
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

// find returns the answer of a request, or nil.
func (r *requests) find(a *trade.Actor) *trade.RequestState {
	hash := r.hash(a)
	for number := range r.table(hash).numbers(hash) {
		if kept := r.at(number); sameRequest(&kept.Actor, a) {
			return kept
		}
	}
	return nil
}

// add keeps the answer of a new request.
func (r *requests) add(kept *trade.RequestState) {
	last := len(r.pieces) - 1
	if last < 0 || len(r.pieces[last]) == requestPiece {
		r.pieces = append(r.pieces, make([]trade.RequestState, 0, requestPiece))
		last++
	}
	if !r.noLookup {
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

// forget removes the answers from before a time.
func (r *requests) forget(before int64) {
	r.forgotten = max(r.forgotten, before)
	number := r.base + uint64(r.gone)
	for kept := range r.all() {
		if kept.Time >= before {
			break
		}
		if !r.noLookup {
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
