package rpc

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/account"
	"todoku/feed"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/live"
	"todoku/push"
	"todoku/push/grpcpush"
	"todoku/trade"
)

// NotificationService: everything that concerns a user, pushed into one stream.
// The feed decides what a stream carries and the hub when it is sent; this file
// attaches streams to connections and logs how they end.

// FeedNotification attaches a stream to a connection and sends until it ends.
func (s *services) FeedNotification(
	req *todokuv1.FeedNotificationRequest, stream grpc.ServerStreamingServer[todokuv1.FeedNotificationResponse],
) error {
	ctx := stream.Context()
	v, err := s.attach(ctx, req)
	if err != nil {
		return err
	}
	if err := grpcpush.Start(stream, v.Push, grpcpush.Standard()); err != nil {
		s.detach(ctx, v, err)
		return err
	}
	return &waiting{func() error {
		err := grpcpush.Ended(stream, v.Push)
		s.detach(ctx, v, err)
		return err
	}}
}

// attach begins a stream, for any door. Its caller must serve the stream with
// the same context and then call detach with the stream's end.
func (s *Server) attach(ctx context.Context, req *todokuv1.FeedNotificationRequest) (*live.Stream, error) {
	c := callerOf(ctx)
	if err := s.limits.attach(&c); err != nil {
		return nil, err
	}
	connection, err := s.accounts.OwnConnection(ctx, c.Identity, req.GetConnectionId())
	if err != nil {
		return nil, err
	}
	var d decoder
	resume := d.cursor("resume_after", req.GetResumeAfter())
	subscription := d.subscription(req.GetSubscription())
	if len(req.GetInstanceId()) > maxOpaque {
		d.refuse(trade.ReasonBadName, "instance_id", fmt.Sprintf("at most %d bytes", maxOpaque))
	}
	if d.err != nil {
		return nil, d.err
	}
	attached, err := s.feed.Attach(ctx, feed.AttachRequest{
		User: c.user.ID, Subscription: subscription, Resume: resume,
		Connection: connection.ID, Instance: req.GetInstanceId(), Session: c.Session, Remote: c.remote,
		Expiry: s.accessExpiry(c.Identity), Hello: s.hello,
	})
	if err != nil {
		return nil, badCursor("resume_after", err)
	}
	// A session that ended before the attach did not end this stream, but its
	// connection is gone. A refresh before the attach did not extend the stream.
	if _, err := s.accounts.Connection(connection.ID); err != nil {
		attached.Close()
		return nil, err
	}
	s.hub.SetExpiry(c.Session, s.accessExpiry(c.Identity))
	stream, err := s.live.Attach(ctx, attached, connection.CancelOnDisconnect)
	if err != nil {
		return nil, err
	}
	s.accounts.Log(ctx, account.Entry{
		Kind: account.Attach, User: connection.User, Session: connection.Session, Connection: connection.ID,
		RemoteAddr: c.remote, Cursor: req.GetResumeAfter(),
	})
	return stream, nil
}

// detach notes the end of a stream.
func (s *Server) detach(ctx context.Context, stream *live.Stream, end error) {
	ctx = context.WithoutCancel(ctx) // The call is over.
	entry := account.Entry{
		Kind: account.Detach, User: stream.User, Session: stream.Session, Connection: stream.Connection,
		RemoteAddr: stream.Remote, Reason: string(stream.End(ctx, end)),
	}
	if info := stream.Push.Info(); info.Acknowledged > 0 {
		entry.Cursor = s.cursor(info.AckCursor)
	}
	s.accounts.Detached(stream.Connection)
	s.accounts.Log(ctx, entry)
}

// accessExpiry is when the session's newest access token ends: a stream lives until
// then, whichever token it was opened with.
func (s *Server) accessExpiry(of account.Identity) time.Time {
	session, err := s.accounts.Session(of.Session)
	if err != nil || session.AccessExpires.Before(of.Expires) {
		return of.Expires
	}
	return session.AccessExpires
}

// hello is the first message of a stream.
func (s *Server) hello(info feed.HelloInfo) []byte {
	return entry(&todokuv1.Message{
		Sequence: info.Head.Sequence,
		Time:     timestamppb.New(info.Time),
		Body: &todokuv1.Message_Hello{Hello: &todokuv1.Hello{
			Epoch:               info.Head.Epoch,
			HeadSequence:        info.Head.Sequence,
			HeartbeatInterval:   durationpb.New(info.HeartbeatInterval),
			WatchdogInterval:    durationpb.New(s.options.WatchdogInterval),
			StaleInterval:       durationpb.New(s.options.StaleInterval),
			AcknowledgeInterval: durationpb.New(s.options.AcknowledgeInterval),
			ServerTime:          timestamppb.New(info.Time),
			SessionExpireTime:   moment(info.Expiry),
			Start:               todokuv1.Hello_Start(info.Start),
			AttachNumber:        info.Attach,
			SupersededAnother:   info.TookOver == push.ReasonSuperseded,
			User:                userMessage(&info.User),
			ServerVersion:       s.options.Version,
		}},
	})
}

// AcknowledgeNotifications notes what the client has received and painted.
func (s *services) AcknowledgeNotifications(ctx context.Context, req *todokuv1.AcknowledgeNotificationsRequest) (*todokuv1.AcknowledgeNotificationsResponse, error) {
	c := callerOf(ctx)
	connection, err := s.accounts.OwnConnection(ctx, c.Identity, req.GetConnectionId())
	if err != nil {
		return nil, err
	}
	err = s.live.Acknowledge(connection.ID, c.User, req.GetAttachNumber(), req.GetResponseNumber())
	if err == nil && req.GetPaintedNumber() != 0 {
		var d decoder
		ago := d.duration("painted_ago", req.GetPaintedAgo(), 0, time.Hour)
		if err = d.err; err == nil {
			err = s.hub.Painted(connection.ID, c.User, req.GetAttachNumber(), req.GetPaintedNumber(), ago)
		}
	}
	return reply(&todokuv1.AcknowledgeNotificationsResponse{}, err)
}

// UpdateSubscription changes what a live stream carries.
func (s *services) UpdateSubscription(ctx context.Context, req *todokuv1.UpdateSubscriptionRequest) (*todokuv1.UpdateSubscriptionResponse, error) {
	c := callerOf(ctx)
	if err := s.limits.subscribeUser.admit(c.User); err != nil {
		return nil, err
	}
	connection, err := s.accounts.OwnConnection(ctx, c.Identity, req.GetConnectionId())
	if err != nil {
		return nil, err
	}
	var d decoder
	subscription := d.subscription(req.GetSubscription())
	if d.err != nil {
		return nil, d.err
	}
	at, err := s.feed.UpdateSubscription(ctx, connection.ID, c.user.ID, subscription)
	return reply(&todokuv1.UpdateSubscriptionResponse{Cursor: at.String()}, err)
}

// ListNotifications lists past events that concern the caller, oldest first.
func (s *services) ListNotifications(ctx context.Context, req *todokuv1.ListNotificationsRequest) (*todokuv1.ListNotificationsResponse, error) {
	var d decoder
	size := d.count("page_size", req.GetPageSize(), defaultPageSize)
	after := d.place("after", req.GetAfter())
	subscription := d.subscription(req.GetSubscription())
	if d.err != nil {
		return nil, d.err
	}
	list, at, end, err := s.feed.Notifications(ctx, callerOf(ctx).user.ID, after, size, subscription)
	answer := &todokuv1.ListNotificationsResponse{Messages: fitting(list, messageOf), Cursor: at.String(), End: end}
	if n := len(answer.GetMessages()); n < len(list) {
		n, next := pageEnd(list, n)
		next.Epoch = at.Epoch
		answer.Messages, answer.Cursor, answer.End = answer.GetMessages()[:n], next.String(), false
	}
	return reply(answer, badCursor("after", err))
}

// pageEnd returns how many of the first fit messages a page has, and where it ends: after
// a record or, when the page's first record does not fit, within it.
func pageEnd(list []feed.Message, fit int) (n int, end feed.Place) {
	cut := list[fit].Sequence
	for n = fit; n > 0 && list[n-1].Sequence == cut; {
		n--
	}
	if n == 0 {
		last := list[fit-1]
		return fit, feed.Place{Cursor: push.Cursor{Sequence: last.Sequence}, Within: true, Index: last.Index}
	}
	return n, feed.Place{Cursor: push.Cursor{Sequence: list[n-1].Sequence}}
}
