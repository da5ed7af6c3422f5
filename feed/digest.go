package feed

import (
	"iter"
	"strings"
	"sync"

	"todoku/digest"
	"todoku/push"
	"todoku/trade"
)

// Digests of accounts, for heartbeats: what a stream's client must hold if it missed
// nothing. A heartbeat is for the cursor of its response, which lies behind what the
// views know, by little on a stream that keeps up. So each sum is remembered for its
// latest few changes, and where these do not reach back to the cursor nothing is
// said: another heartbeat comes. An account that did not change since the cursor,
// which is nearly every account at nearly every heartbeat, always has its sum.

// AccountDigest is the sum of what an account holds; see package digest.
type AccountDigest struct {
	// Account is empty for all accounts together.
	Account trade.AccountID
	Sum     uint64
}

// How many changes of a sum are remembered. That of all accounts changes with
// nearly every record of a busy venue: it must reach over the milliseconds between
// a record and the response that takes it along.
const (
	keptSums      = 4
	keptTotalSums = 4096
)

// digests has its own lock, taken after Feed.mu and for moments only, so that a
// heartbeat never waits for a publication.
type digests struct {
	mu       sync.Mutex // Protects what follows.
	origin   uint64     // What was before this sequence is not known.
	accounts map[trade.AccountID]*sums
	total    *sums // Of all accounts.
}

func newDigests(origin uint64) *digests {
	return &digests{origin: origin, accounts: make(map[trade.AccountID]*sums), total: newSums(origin, keptTotalSums)}
}

// sums is a sum and what it was lately.
type sums struct {
	ring   []sumAt // The newest at last, the one before it before that, around.
	last   int
	filled int
}

// sumAt is a sum from a sequence on.
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

// Digests returns what the accounts among a stream's topics hold after a sequence:
// those of all of them in the order of the topics, or none when one is not known for
// that sequence. It is what rpc puts into heartbeats: it waits for nothing and may be
// called from anywhere but under a lock of the feed.
func (f *Feed) Digests(topics iter.Seq[push.Topic], sequence uint64) []AccountDigest {
	if topics == nil || !f.isReady() {
		return nil
	}
	d := f.views.digests
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []AccountDigest
	for topic := range topics {
		account, ok := strings.CutPrefix(string(topic), accountTopic)
		if !ok && topic != topicAccounts {
			continue
		}
		sum, known := d.at(topic, trade.AccountID(account), sequence)
		if !known {
			return nil
		}
		one := AccountDigest{Sum: sum}
		if ok {
			one.Account = trade.AccountID(account)
		}
		found = append(found, one)
	}
	return found
}

// at returns the sum of a topic's account or accounts. The caller holds d.mu.
func (d *digests) at(topic push.Topic, account trade.AccountID, sequence uint64) (uint64, bool) {
	if topic == topicAccounts {
		return d.total.at(sequence)
	}
	if s := d.accounts[account]; s != nil {
		return s.at(sequence)
	}
	return 0, sequence >= d.origin // It never held anything.
}
