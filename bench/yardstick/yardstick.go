// Package yardstick is a push server of the usual kind, for comparison: a buffered channel
// and a goroutine for each stream, a loop over all of them for each event, a message encoded
// for each receiver, grpc-go with its defaults. It stores nothing: a client misses what is
// sent while it is not attached, and a client that does not read blocks all others.
//
// It has those methods of the venue's API that the load generator needs, so that both are
// measured by the same client over the same bytes.
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

// server implements the services.
type server struct {
	todokuv1.UnimplementedSessionServiceServer
	todokuv1.UnimplementedNotificationServiceServer
	todokuv1.UnimplementedAdminServiceServer

	connections atomic.Uint64

	mu       sync.Mutex // protects what follows
	sequence uint64
	streams  map[stream]struct{}
}

// stream is one call of FeedNotification.
type stream struct {
	events chan *todokuv1.Message
	left   chan struct{} // closed when nothing takes the events any more
}

// Serve serves on a listener, which it closes, until ctx ends.
func Serve(ctx context.Context, listener net.Listener) error {
	s := &server{streams: map[stream]struct{}{}}
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

// Login accepts every user.
func (s *server) Login(context.Context, *todokuv1.LoginRequest) (*todokuv1.LoginResponse, error) {
	return &todokuv1.LoginResponse{Tokens: &todokuv1.SessionTokens{AccessToken: "any"}, ConnectionId: s.connection()}, nil
}

// OpenConnection returns a new id.
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

// SetRiskLimits has nothing to do.
func (s *server) SetRiskLimits(context.Context, *todokuv1.SetRiskLimitsRequest) (*todokuv1.SetRiskLimitsResponse, error) {
	return &todokuv1.SetRiskLimitsResponse{}, nil
}

// AcknowledgeNotifications has nothing to do.
func (s *server) AcknowledgeNotifications(context.Context, *todokuv1.AcknowledgeNotificationsRequest) (*todokuv1.AcknowledgeNotificationsResponse, error) {
	return &todokuv1.AcknowledgeNotificationsResponse{}, nil
}

// Announce queues an event for every stream and waits for those whose queue is full.
func (s *server) Announce(ctx context.Context, r *todokuv1.AnnounceRequest) (*todokuv1.AnnounceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sequence++
	m := &todokuv1.Message{
		Sequence: s.sequence, Time: timestamppb.Now(),
		Body: &todokuv1.Message_Announcement{Announcement: &todokuv1.Announcement{From: "yardstick", Text: r.GetText()}},
	}
	for to := range s.streams {
		select {
		case to.events <- m:
		case <-to.left:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return &todokuv1.AnnounceResponse{Sequence: s.sequence}, nil
}

// FeedNotification sends each event of the stream's queue in a response of its own.
func (s *server) FeedNotification(r *todokuv1.FeedNotificationRequest, call grpc.ServerStreamingServer[todokuv1.FeedNotificationResponse]) error {
	own := stream{events: make(chan *todokuv1.Message, queue), left: make(chan struct{})}
	s.mu.Lock()
	s.streams[own] = struct{}{}
	s.mu.Unlock()
	defer func() {
		close(own.left) // Announce may wait for this stream and hold the lock.
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.streams, own)
	}()
	send := func(m *todokuv1.Message) error {
		return call.Send(&todokuv1.FeedNotificationResponse{ConnectionId: r.GetConnectionId(), Messages: []*todokuv1.Message{m}})
	}
	live := &todokuv1.Message{Body: &todokuv1.Message_SnapshotEnd{SnapshotEnd: &todokuv1.SnapshotEnd{}}}
	if err := send(live); err != nil {
		return err
	}
	for {
		select {
		case m := <-own.events:
			if err := send(m); err != nil {
				return err
			}
		case <-call.Context().Done():
			return call.Context().Err()
		}
	}
}
