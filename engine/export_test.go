package engine

import "context"

// RaceEnabled is for tests outside of the package.
const RaceEnabled = raceEnabled

// HashNow is Hash of an engine that runs.
func (e *Engine) HashNow(ctx context.Context) (sequence uint64, sum [32]byte, err error) {
	err = e.control(ctx, func(context.Context) error {
		sequence, sum, err = e.Hash()
		return err
	})
	return sequence, sum, err
}
