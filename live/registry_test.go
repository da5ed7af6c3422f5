package live_test

import (
	"testing"
	"time"

	"todoku/live"
	"todoku/live/livetest"
)

func TestTheMemoryRegistryKeepsThePromisesOfARegistry(t *testing.T) {
	livetest.Registry(t, func(_ *testing.T, _ string, end livetest.EndFunc) live.Registry {
		return live.NewMemoryRegistry(end)
	}, time.Sleep)
}
