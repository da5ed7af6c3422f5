package live_test

import (
	"testing"

	"todoku/live"
	"todoku/live/livetest"
)

func TestTheMemoryRegistryKeepsThePromisesOfARegistry(t *testing.T) {
	livetest.Registry(t, func(end livetest.EndFunc) live.Registry { return live.NewMemoryRegistry(end) })
}
