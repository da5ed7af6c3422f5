package chaos

import (
	"context"
	"testing"
	"time"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// TestRequestsSucceedAgainAfterThePathForgotTheirConnection checks that the Go client
// detects this without help. It once failed: the session could no longer be refreshed, so
// its feed never came back.
func TestRequestsSucceedAgainAfterThePathForgotTheirConnection(t *testing.T) {
	t.Parallel()
	c := newClients(t, func(*apptest.Process) {})
	path := newLink(t, c.target)
	alice, err := client.Dial(client.Config{Address: path.address(), Plaintext: true, KeepaliveTime: 10 * time.Second, KeepaliveTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = alice.Close() }) // Nothing is under way.
	if err := alice.Login(t.Context(), "alice", apptest.Password); err != nil {
		t.Fatal(err)
	}
	path.forget()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		_, err := alice.Market().ListInstruments(ctx, &todokuv1.ListInstrumentsRequest{})
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("no request came through for %s: %v", patience, err)
		}
	}
}
