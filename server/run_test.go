package server

import (
	"context"
	"testing"
)

// TestAStopBeforeTheGRPCServerServesIsNoFailure stops the server between the opening of its
// ports and the first Accept.
func TestAStopBeforeTheGRPCServerServesIsNoFailure(t *testing.T) {
	s := unstarted(t, func(*Config) {})
	s.grpc.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.serveGRPC(ctx); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}
