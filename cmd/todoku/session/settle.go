package session

import (
	"context"
	"strings"
	"sync"

	"google.golang.org/grpc"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// Settler sees to it that what one command has changed is what the next command
// shows: an answer comes when the journal has the change, a moment before the
// venue's views do.
type Settler struct {
	mu     sync.Mutex // protects cursor
	cursor string     // of the latest change, "" before the first
}

// note remembers the cursor of a change that was answered.
func (s *Settler) note(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	err := invoke(ctx, method, request, reply, conn, options...)
	name := method[strings.LastIndexByte(method, '/')+1:]
	if err != nil || strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List") {
		return err
	}
	cursor := ""
	switch r := reply.(type) {
	case interface{ GetCursor() string }:
		cursor = r.GetCursor()
	case interface{ GetAnswer() *todokuv1.OrderAnswer }:
		cursor = r.GetAnswer().GetCursor()
	}
	if cursor != "" {
		s.mu.Lock()
		s.cursor = cursor
		s.mu.Unlock()
	}
	return nil
}

// settle waits until queries show the latest change. The change is done in any
// case, so that a failure here is none of the command's.
func (s *Settler) settle(ctx context.Context, c *client.Client) {
	s.mu.Lock()
	cursor := s.cursor
	s.mu.Unlock()
	if cursor != "" {
		_, _ = c.Market().ListInstruments(ctx, &todokuv1.ListInstrumentsRequest{WaitFor: cursor})
	}
}
