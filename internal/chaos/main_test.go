// Package chaos injects faults into a venue and its clients and then checks what the
// clients received: the six guarantees of the stream, by one checker, over the
// recorded streams of more than fifty clients of which some use the Go client, some
// speak the protocol themselves and some are processes of their own.
//
// A seeded driver kills and stops the venue, cuts, stalls and forgets connections,
// freezes and kills clients, takes connections over, lets tokens expire, revokes
// sessions and changes subscriptions. The judge is the journal, read afterwards:
// for each client the sequence of events that concerned it, for each snapshot the
// state at its cursor, for each price level the value at its sequence. Bugs
// planted in a scratch build show that the judge finds what it should.
package chaos

import (
	"testing"

	"go.uber.org/goleak"

	"todoku/internal/apptest"
)

func TestMain(m *testing.M) {
	apptest.Main()
	clientMain()
	goleak.VerifyTestMain(m)
}
