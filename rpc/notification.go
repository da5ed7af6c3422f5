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
// The feed decides what a stream carries and the hub when it is sent; here a
// connection becomes a stream, and its end becomes a record and a status.

// FeedNotification attaches a stream to a connection and sends until it ends.
func (s *notificationService) FeedNotification(
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
	resume, err := cursor("resume_after", req.GetResumeAfter())
	if err != nil {
		return nil, err
	}
	subscription, err := subscriptionOf(req.GetSubscription())
	if err != nil {
		return nil, err
	}
	if len(req.GetInstanceId()) > maxInstanceID {
		return nil, trade.Refuse(trade.ReasonBadName, "instance_id", fmt.Sprintf("at most %d bytes", maxInstanceID))
	}
	attached, err := s.feed.Attach(ctx, feed.AttachRequest{
		User: c.user.ID, Subscription: subscription, Resume: resume,
		Connection: connection.ID, Instance: req.GetInstanceId(), Session: c.Session, Remote: c.remote,
		Expiry: s.accessExpiry(c.Identity), Hello: s.hello,
	})
	if err != nil {
		return nil, badCursor("resume_after", err)
	}
	// A session that ended before the stream was there could not end it, but its
	// connection is gone; one that was refreshed could not extend it.
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
	// The call is over, but its end is still to be recorded.
	ctx = context.WithoutCancel(ctx)
	reason := stream.End(ctx, end)
	acknowledged := ""
	if info := stream.Push.Info(); info.Acknowledged > 0 {
		acknowledged = s.cursor(info.AckCursor)
	}
	s.accounts.Detached(stream.Connection)
	s.accounts.Log(ctx, account.Entry{
		Kind: account.Detach, User: stream.User, Session: stream.Session, Connection: stream.Connection,
		RemoteAddr: stream.Remote, Reason: string(reason), Cursor: acknowledged,
	})
}

// accessExpiry is when the session's newest access token ends: a stream lives on
// it, with whichever it was opened.
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

// AcknowledgeNotifications notes what has arrived.
func (s *notificationService) AcknowledgeNotifications(ctx context.Context, req *todokuv1.AcknowledgeNotificationsRequest) (*todokuv1.AcknowledgeNotificationsResponse, error) {
	c := callerOf(ctx)
	connection, err := s.accounts.OwnConnection(ctx, c.Identity, req.GetConnectionId())
	if err != nil {
		return nil, err
	}
	if err := s.live.Acknowledge(connection.ID, c.User, req.GetAttachNumber(), req.GetResponseNumber()); err != nil {
		return nil, err
	}
	if err := s.painted(&c, req); err != nil {
		return nil, err
	}
	return &todokuv1.AcknowledgeNotificationsResponse{}, nil
}

// painted passes on what a client says of its screen.
func (s *Server) painted(c *caller, req *todokuv1.AcknowledgeNotificationsRequest) error {
	if req.GetPaintedNumber() == 0 {
		return nil
	}
	var d decoder
	ago := d.duration("painted_ago", req.GetPaintedAgo(), 0, time.Hour)
	if d.err != nil {
		return d.err
	}
	return s.hub.Painted(req.GetConnectionId(), c.User, req.GetAttachNumber(), req.GetPaintedNumber(), ago)
}

// UpdateSubscription changes what a live stream carries.
func (s *notificationService) UpdateSubscription(ctx context.Context, req *todokuv1.UpdateSubscriptionRequest) (*todokuv1.UpdateSubscriptionResponse, error) {
	c := callerOf(ctx)
	if err := s.limits.subscribe(&c); err != nil {
		return nil, err
	}
	connection, err := s.accounts.OwnConnection(ctx, c.Identity, req.GetConnectionId())
	if err != nil {
		return nil, err
	}
	subscription, err := subscriptionOf(req.GetSubscription())
	if err != nil {
		return nil, err
	}
	at, err := s.feed.UpdateSubscription(ctx, connection.ID, c.user.ID, subscription)
	if err != nil {
		return nil, err
	}
	return &todokuv1.UpdateSubscriptionResponse{Cursor: at.String()}, nil
}

// ListNotifications lists past events that concern the caller, oldest first.
func (s *notificationService) ListNotifications(ctx context.Context, req *todokuv1.ListNotificationsRequest) (*todokuv1.ListNotificationsResponse, error) {
	var d decoder
	size := d.count("page_size", req.GetPageSize(), defaultPageSize)
	if d.err != nil {
		return nil, d.err
	}
	after, err := cursor("after", req.GetAfter())
	if err != nil {
		return nil, err
	}
	subscription, err := subscriptionOf(req.GetSubscription())
	if err != nil {
		return nil, err
	}
	messages, at, end, err := s.feed.Notifications(ctx, callerOf(ctx).user.ID, after, size, subscription)
	if err != nil {
		return nil, badCursor("after", err)
	}
	res := &todokuv1.ListNotificationsResponse{Cursor: at.String(), End: end}
	for _, m := range messages {
		res.Messages = append(res.Messages, messageOf(m))
	}
	return res, nil
}

// everySymbol stands for all instruments in a subscription.
const everySymbol = "*"

// subscriptionOf reads a subscription; absent is one that adds nothing. Every
// error is a [*feed.SubscriptionError].
func subscriptionOf(m *todokuv1.Subscription) (feed.Subscription, error) {
	subscription := feed.Subscription{Presence: m.GetPresence(), AllAccounts: m.GetAllAccounts()}
	var d decoder
	subscription.StateInterval = d.duration("state_interval", m.GetStateInterval(), push.MinStateInterval, push.MaxStateInterval)
	if len(m.GetSymbols()) > feed.MaxSymbols {
		return subscription, &feed.SubscriptionError{Problem: fmt.Sprintf("at most %d instruments, or \"*\" for all", feed.MaxSymbols)}
	}
	for i, text := range m.GetSymbols() {
		if text == everySymbol {
			subscription.AllSymbols = true
			continue
		}
		subscription.Symbols = append(subscription.Symbols, d.symbol(fmt.Sprintf("symbols[%d]", i), text))
	}
	if subscription.AllSymbols {
		subscription.Symbols = nil
	}
	if d.err != nil {
		return subscription, &feed.SubscriptionError{Problem: d.err.Error()}
	}
	return subscription, nil
}
