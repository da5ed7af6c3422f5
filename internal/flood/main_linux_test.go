// Package flood attacks a venue while honest users trade on it and sign in. The venue is
// the shipped program with its default settings. The attacks come from a process of its
// own, from other addresses than the honest users: on Linux every address of 127.0.0.0/8
// is local. What is judged: the venue's memory, every honest order and sign-in, and at
// full length (TODOKU_SOAK) the time of an order beside that without the attack.
package flood

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	attackerMain()
	goleak.VerifyTestMain(m)
}
