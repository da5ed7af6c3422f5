package apptest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// breaker cuts a stream instead of delivering the first response that lists online users,
// after the change that requested it has been answered.
type breaker struct {
	grpc.ClientStream
	answered <-chan struct{}
}

func (s *breaker) RecvMsg(m any) error {
	if err := s.ClientStream.RecvMsg(m); err != nil {
		return err
	}
	if r, ok := m.(*todokuv1.FeedNotificationResponse); ok && len(presences(r.GetMessages())) > 0 {
		select {
		case <-s.answered:
		case <-s.Context().Done():
		}
		return status.Error(codes.Unavailable, "cut")
	}
	return nil
}

// TestPresenceThatACutTookIsComplete asks a live stream for presence on a venue where
// nothing else happens, and cuts it before the list of online users arrives.
func TestPresenceThatACutTookIsComplete(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) {
		c.Push.HeartbeatInterval, c.Presence.Grace = beats, time.Minute
	})
	watcher := app.SignIn("bob").Attach(&request{Subscription: &todokuv1.Subscription{Presence: true}})
	answered, streams := make(chan struct{}), 0
	cut := func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
		s, err := open(ctx, desc, conn, method, options...)
		if streams++; streams > 1 || err != nil {
			return s, err
		}
		return &breaker{s, answered}, nil
	}
	alice, err := client.Dial(client.Config{
		Address: app.GRPCAddr().String(), Plaintext: true,
		DialOptions: []grpc.DialOption{grpc.WithChainStreamInterceptor(cut)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = alice.Close() }) // The test is over.
	if err := alice.Login(t.Context(), "alice", apptest.Password); err != nil {
		t.Fatal(err)
	}
	var online []string
	hellos, asked := 0, false
	for update, err := range alice.Feed(t.Context(), client.FeedOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		online = append(online, presences([]*todokuv1.Message{update.Message})...)
		if update.Message.GetHello() != nil {
			hellos++
		}
		switch beat := update.Message.GetHeartbeat() != nil; {
		case beat && hellos > 1 && update.Cursor != "":
			if !slices.Contains(online, "Test alice in") || !slices.Contains(online, "Test bob in") {
				t.Errorf("online are %q, want alice and bob", online)
			}
			return
		case beat && !asked:
			asked = true
			// Nothing is to happen after the change: alice's own coming is over.
			watcher.Await("alice", func(m *todokuv1.Message) bool { return m.GetUserPresence().GetDisplayName() == "Test alice" })
			if _, err := alice.Notifications().UpdateSubscription(t.Context(), &todokuv1.UpdateSubscriptionRequest{
				ConnectionId: alice.Session().ConnectionID, Subscription: &todokuv1.Subscription{Presence: true},
			}); err != nil {
				t.Fatal(err)
			}
			close(answered)
		}
	}
}
