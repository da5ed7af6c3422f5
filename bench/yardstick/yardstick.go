// Package yardstick is a push server of the usual kind, to measure others by: a
// buffered channel and a goroutine for each stream, a loop over all of them for each
// event, a message encoded for each receiver, grpc-go as it comes. It keeps nothing:
// who is away misses what is said, and who does not read stops everybody.
//
// It speaks the same API as the venue, as much of it as the load generator needs, so
// that both are measured by the same client over the same bytes.
package yardstick

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	todokuv1 "todoku/gen/todoku/v1"
)

// queue is how many events wait for one stream.
const queue = 256

// server is all of it.
type server struct {
	todokuv1.UnimplementedSessionServiceServer
	todokuv1.UnimplementedNotificationServiceServer
	todokuv1.UnimplementedAdminServiceServer

	connections atomic.Uint64

	mu       sync.Mutex // protects what follows
	sequence uint64
	streams  map[chan *todokuv1.Message]struct{}
}

// Serve serves on a listener, which it closes, until ctx ends.
func Serve(ctx context.Context, listener net.Listener) error {
	s := &server{streams: map[chan *todokuv1.Message]struct{}{}}
	g := grpc.NewServer()
	todokuv1.RegisterSessionServiceServer(g, s)
	todokuv1.RegisterNotificationServiceServer(g, s)
	todokuv1.RegisterAdminServiceServer(g, s)
	grpc_health_v1.RegisterHealthServer(g, health.NewServer())
	defer context.AfterFunc(ctx, g.Stop)()
	if err := g.Serve(listener); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("yardstick: %w", err)
	}
	return nil
}

// Login lets everybody in.
func (s *server) Login(context.Context, *todokuv1.LoginRequest) (*todokuv1.LoginResponse, error) {
	return &todokuv1.LoginResponse{Tokens: &todokuv1.SessionTokens{AccessToken: "any"}, ConnectionId: s.connection()}, nil
}

// OpenConnection gives a connection.
func (s *server) OpenConnection(context.Context, *todokuv1.OpenConnectionRequest) (*todokuv1.OpenConnectionResponse, error) {
	return &todokuv1.OpenConnectionResponse{ConnectionId: s.connection()}, nil
}

func (s *server) connection() string {
	return "yardstick-" + strconv.FormatUint(s.connections.Add(1), 10)
}

// CreateUser has nothing to do.
func (s *server) CreateUser(context.Context, *todokuv1.CreateUserRequest) (*todokuv1.CreateUserResponse, error) {
	return &todokuv1.CreateUserResponse{}, nil
}

// AcknowledgeNotifications has nothing to do.
func (s *server) AcknowledgeNotifications(context.Context, *todokuv1.AcknowledgeNotificationsRequest) (*todokuv1.AcknowledgeNotificationsResponse, error) {
	return &todokuv1.AcknowledgeNotificationsResponse{}, nil
}

// Announce hands an event to every stream and waits for those whose queue is full.
func (s *server) Announce(ctx context.Context, r *todokuv1.AnnounceRequest) (*todokuv1.AnnounceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sequence++
	m := &todokuv1.Message{
		Sequence: s.sequence, Time: timestamppb.Now(),
		Body: &todokuv1.Message_Announcement{Announcement: &todokuv1.Announcement{From: "yardstick", Text: r.GetText()}},
	}
	for stream := range s.streams {
		select {
		case stream <- m:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return &todokuv1.AnnounceResponse{Sequence: s.sequence}, nil
}

// FeedNotification sends what the stream's channel gives, each event by itself.
func (s *server) FeedNotification(r *todokuv1.FeedNotificationRequest, stream grpc.ServerStreamingServer[todokuv1.FeedNotificationResponse]) error {
	events := make(chan *todokuv1.Message, queue)
	s.mu.Lock()
	s.streams[events] = struct{}{}
	s.mu.Unlock()
	defer s.leave(events)
	send := func(m *todokuv1.Message) error {
		return stream.Send(&todokuv1.FeedNotificationResponse{ConnectionId: r.GetConnectionId(), Messages: []*todokuv1.Message{m}})
	}
	live := &todokuv1.Message{Body: &todokuv1.Message_SnapshotEnd{SnapshotEnd: &todokuv1.SnapshotEnd{}}}
	if err := send(live); err != nil {
		return err
	}
	for {
		select {
		case m := <-events:
			if err := send(m); err != nil {
				return err
			}
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

// leave forgets a stream. Whoever hands events out meanwhile may wait for this very
// stream, so what comes is thrown away.
func (s *server) leave(events chan *todokuv1.Message) {
	left := make(chan struct{})
	go func() {
		defer close(left)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.streams, events)
	}()
	for {
		select {
		case <-events:
		case <-left:
			return
		}
	}
}
