package feed

import (
	"iter"
	"strings"
	"sync"

	"todoku/digest"
	"todoku/push"
	"todoku/trade"
)

// Digests of accounts, for heartbeats: what a client holds if it missed nothing. A
// heartbeat is for the cursor of its response, which is a little older than the views
// on a stream that keeps up. So each sum is remembered for its latest few changes. When
// these do not reach back to the cursor, the heartbeat has no digests. The sum of an
// account that has not changed since the cursor, as nearly all have not, is always known.

// AccountDigest is the sum of what an account holds; see package digest.
type AccountDigest struct {
	// Account is empty for all accounts together.
	Account trade.AccountID
	Sum     uint64
}

// How many changes of a sum are remembered. The sum of all accounts changes with nearly
// every record of a busy venue and must cover the milliseconds between a record and the
// response that carries it.
const (
	keptSums      = 4
	keptTotalSums = 4096
)

// digests has its own lock, taken after Feed.mu and held briefly, so that a heartbeat
// never waits for a publication.
type digests struct {
	mu       sync.Mutex // Protects what follows.
	origin   uint64     // Nothing before this sequence is known.
	accounts map[trade.AccountID]*sums
	total    *sums // Of all accounts.
}

func newDigests(origin uint64) *digests {
	return &digests{origin: origin, accounts: make(map[trade.AccountID]*sums), total: newSums(origin, keptTotalSums)}
}

// sums is a sum and its latest values.
type sums struct {
	ring   []sumAt
	last   int // Index of the newest.
	filled int
}

// sumAt is a sum since a sequence.
type sumAt struct{ sequence, sum uint64 }

func newSums(origin uint64, kept int) *sums {
	s := &sums{ring: make([]sumAt, kept), filled: 1}
	s.ring[0].sequence = origin
	return s
}

// add changes the sum by a record. Sequences do not fall.
func (s *sums) add(sequence, change uint64) {
	newest := s.ring[s.last]
	if newest.sequence != sequence {
		s.last = (s.last + 1) % len(s.ring)
		s.filled = min(s.filled+1, len(s.ring))
	}
	s.ring[s.last] = sumAt{sequence, newest.sum + change}
}

// at returns the sum as of a sequence, if it is remembered.
func (s *sums) at(sequence uint64) (uint64, bool) {
	for back := range s.filled {
		if was := s.ring[(s.last-back+len(s.ring))%len(s.ring)]; was.sequence <= sequence {
			return was.sum, true
		}
	}
	return 0, false
}

// add changes what an account holds. The caller holds d.mu.
func (d *digests) add(account trade.AccountID, sequence, change uint64) {
	s := d.accounts[account]
	if s == nil {
		s = newSums(d.origin, keptSums)
		d.accounts[account] = s
	}
	s.add(sequence, change)
	d.total.add(sequence, change)
}

func orderDigest(o *trade.Order) uint64 { return digest.Order(uint64(o.ID), o.Sequence) }

func positionDigest(p *trade.Position) uint64 {
	return digest.Position(string(p.Account), string(p.Symbol), p.Sequence)
}

// Digests returns what the accounts among a stream's topics hold as of a sequence, in
// the order of the topics, or nil when one of them is not known for that sequence. rpc
// puts it into heartbeats. It does not block and may be called from anywhere, except
// under a lock of the feed.
func (f *Feed) Digests(topics iter.Seq[push.Topic], sequence uint64) []AccountDigest {
	if topics == nil || !f.isReady() {
		return nil
	}
	d := f.views.digests
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []AccountDigest
	for topic := range topics {
		account, isAccount := strings.CutPrefix(string(topic), accountPrefix)
		s := d.total
		switch {
		case isAccount:
			s = d.accounts[trade.AccountID(account)]
		case topic == topicAccounts:
			account = ""
		default:
			continue
		}
		one := AccountDigest{Account: trade.AccountID(account)}
		known := sequence >= d.origin // An account without a sum never held anything.
		if s != nil {
			one.Sum, known = s.at(sequence)
		}
		if !known {
			return nil
		}
		found = append(found, one)
	}
	return found
}
