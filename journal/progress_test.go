package journal_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"todoku/journal"
)

func TestProgressWakesThoseWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p journal.Progress
		if at, err := p.Wait(t.Context(), 0); err != nil || at != 0 {
			t.Fatalf("reached already: %d, %v", at, err)
		}
		type answer struct {
			at  uint64
			err error
		}
		answers := make(chan answer, 2)
		wait := func(ctx context.Context, sequence uint64) {
			go func() {
				at, err := p.Wait(ctx, sequence)
				answers <- answer{at, err}
			}()
			synctest.Wait()
		}
		wait(t.Context(), 3)
		p.Set(2)
		synctest.Wait()
		if len(answers) != 0 {
			t.Fatal("woke before its sequence was reached")
		}
		p.Set(4)
		if a := <-answers; a.err != nil || a.at != 4 {
			t.Fatalf("reached: %d, %v", a.at, a.err)
		}

		gone, over := errors.New("gone"), errors.New("over")
		ctx, cancel := context.WithCancelCause(t.Context())
		wait(ctx, 5)
		cancel(gone)
		if a := <-answers; !errors.Is(a.err, gone) {
			t.Fatalf("canceled: %v", a.err)
		}
		wait(t.Context(), 5)
		p.End(over)
		if a := <-answers; !errors.Is(a.err, over) {
			t.Fatalf("ended: %v", a.err)
		}
		if at, err := p.Wait(t.Context(), 4); err != nil || at != 4 {
			t.Fatalf("reached before the end: %d, %v", at, err)
		}
	})
}
