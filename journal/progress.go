package journal

import (
	"context"
	"sync"
)

// Progress is how far a reader or writer of a journal has come, for others to wait
// for. The zero Progress is at 0. Safe for concurrent use.
type Progress struct {
	mu     sync.Mutex // protects what follows
	at     uint64
	ended  error
	change chan struct{} // closed at the next change; nil while nobody waits
}

// At returns the sequence that was set last.
func (p *Progress) At() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

// Set moves the progress to a sequence and wakes those who wait.
func (p *Progress) Set(sequence uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = sequence
	p.wake()
}

// End makes every Wait that has not reached its sequence return err.
func (p *Progress) End(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = err
	p.wake()
}

// wake is called with mu held.
func (p *Progress) wake() {
	if p.change != nil {
		close(p.change)
		p.change = nil
	}
}

// Wait returns the progress as soon as it is at or past a sequence. The error is the
// context's cause, or that of End.
func (p *Progress) Wait(ctx context.Context, sequence uint64) (uint64, error) {
	for {
		p.mu.Lock()
		if p.at >= sequence || p.ended != nil {
			at, err := p.at, p.ended
			p.mu.Unlock()
			if at >= sequence {
				err = nil
			}
			return at, err
		}
		if p.change == nil {
			p.change = make(chan struct{})
		}
		change := p.change
		p.mu.Unlock()
		select {
		case <-change:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}
