package rpc

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/gen/todoku/v1/todokuv1connect"
	"todoku/push"
	"todoku/push/grpcpush"
)

// The browsers' door: the same services in the Connect and gRPC-Web protocols,
// which a page can speak. It knows connect-go and nothing of the venue, as
// grpc-go's door knows grpc-go: admit decides, the handlers are the same, and
// explain writes down what came of it. What it cannot name is a request that it
// cannot read: connect-go answers that itself, as INVALID_ARGUMENT.

// RegisterWeb puts the services on a mux, below /todoku.v1., for a page that the
// same server has sent. They take no request that another site's page makes. What is
// to be done around every call, before it is admitted, comes outermost first.
func (s *Server) RegisterWeb(mux *http.ServeMux, around ...connect.Interceptor) {
	options := []connect.HandlerOption{
		connect.WithInterceptors(append(slices.Clip(around), &webDoor{s})...),
		connect.WithCodec(webBinary{}),
		connect.WithCodec(webText{}),
		connect.WithReadMaxBytes(s.options.MaxRequestBytes),
		connect.WithRecover(func(_ context.Context, spec connect.Spec, _ http.Header, v any) error {
			err := panicked(v)
			s.options.Fault(spec.Procedure, err)
			return webError(s.explain(err))
		}),
	}
	own := http.NewCrossOriginProtection()
	handle := func(path string, service http.Handler) { mux.Handle(path, own.Handler(visited(service))) }
	handle(todokuv1connect.NewSessionServiceHandler(&sessionService{Server: s}, options...))
	handle(todokuv1connect.NewNotificationServiceHandler(webNotificationService{&notificationService{Server: s}}, options...))
	handle(todokuv1connect.NewOrderServiceHandler(&orderService{Server: s}, options...))
	handle(todokuv1connect.NewMarketServiceHandler(&marketService{Server: s}, options...))
	handle(todokuv1connect.NewAdminServiceHandler(webAdminService{&adminService{Server: s}}, options...))
}

// webNotificationService is the service with the stream in connect-go's words.
type webNotificationService struct{ *notificationService }

// FeedNotification attaches a stream to a connection and sends until it ends.
func (s webNotificationService) FeedNotification(
	ctx context.Context, req *todokuv1.FeedNotificationRequest, stream *connect.ServerStream[todokuv1.FeedNotificationResponse],
) error {
	webVisitOf(ctx).readBy(time.Time{}) // The request is here; the stream has no deadline.
	v, err := s.attach(ctx, req)
	if err != nil {
		return err
	}
	frame := grpcpush.NewFrame(grpcpush.Standard(), v.Push.Connection(), v.Push.Epoch())
	conn := stream.Conn()
	err = v.Push.Serve(ctx, func(r *push.Response) error {
		frame.Set(r)
		if err := conn.Send(frame); err != nil {
			return v.Push.Gone(ctx, "a send failed", err)
		}
		return nil
	})
	s.detach(ctx, v, err)
	// net/http wants nobody to write any more when its handler returns. A send that
	// is stuck fails at the first deadline; the status has until the second.
	visit := webVisitOf(ctx)
	visit.writeBy(time.Second)
	v.Push.Wait()
	visit.writeBy(time.Second)
	return err
}

// webAdminService is the service with its stream in connect-go's words.
type webAdminService struct{ *adminService }

// ExportJournal sends the journal.
func (s webAdminService) ExportJournal(
	ctx context.Context, req *todokuv1.ExportJournalRequest, stream *connect.ServerStream[todokuv1.ExportJournalResponse],
) error {
	const patience = 30 * time.Second // For one record, before the client counts as gone.
	visit := webVisitOf(ctx)
	visit.readBy(time.Time{})
	return s.exportJournal(ctx, req, func(r *todokuv1.ExportJournalResponse) error {
		visit.writeBy(patience)
		return stream.Send(r)
	})
}

// webDoor asks admit before every call and explains what came of it.
type webDoor struct{ *Server }

// WrapUnary admits unary calls.
func (s *webDoor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		method := req.Spec().Procedure
		webVisitOf(ctx).readBy(time.Time{}) // The request is here; the call has a deadline of its own.
		ctx, cancel, err := s.admit(ctx, webCall(method, req.Header(), req.Peer()))
		if err != nil {
			return nil, s.webStatus(method, err)
		}
		defer cancel()
		visit := webVisitOf(ctx)
		visit.cookieIn(ctx, req, s.accounts.OtherSession)
		res, err := next(ctx, req)
		if err != nil {
			return nil, s.webStatus(method, err)
		}
		visit.cookieOut(req, res)
		return res, nil
	}
}

// WrapStreamingHandler admits streams.
func (s *webDoor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		method := conn.Spec().Procedure
		of := webCall(method, conn.RequestHeader(), conn.Peer())
		of.streaming = true
		ctx, cancel, err := s.admit(ctx, of)
		if err != nil {
			return s.webStatus(method, err)
		}
		defer cancel()
		return s.webStatus(method, next(ctx, conn))
	}
}

// WrapStreamingClient is for clients, which this is none.
func (s *webDoor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// webCall is what connect-go knows of a call.
func webCall(method string, header http.Header, peer connect.Peer) call {
	c := call{method: method, remote: peer.Addr}
	if values := header.Values("Authorization"); len(values) == 1 {
		c.authorization = values[0]
	}
	if host, _, err := net.SplitHostPort(c.remote); err == nil {
		c.remote = host
	}
	return c
}

// webStatus writes an error down and reports it if its cause was withheld.
func (s *webDoor) webStatus(method string, err error) error {
	if err == nil {
		return nil
	}
	if own := (*connect.Error)(nil); errors.As(err, &own) {
		return err // connect-go has written its status down already.
	}
	p := s.explain(err)
	if p.Withheld {
		s.options.Fault(method, err)
	}
	return webError(p)
}

// webError writes a problem down as Connect does, with the details that gRPC has.
func webError(p *Problem) error {
	out := connect.NewError(connect.Code(p.Code), errors.New(p.Text))
	for _, packed := range p.Status().Proto().GetDetails() {
		if detail, err := connect.NewErrorDetail(packed); err == nil {
			out.AddDetail(detail)
		}
	}
	return out
}

// webBinary is connect-go's protobuf codec, which also knows *grpcpush.Frame: what
// all streams share is encoded once for this door too.
type webBinary struct{}

// Name is that of the codec it stands in for.
func (webBinary) Name() string { return "proto" }

// Marshal encodes a message.
func (c webBinary) Marshal(v any) ([]byte, error) { return c.MarshalAppend(nil, v) }

// MarshalAppend encodes a message behind what is there.
func (webBinary) MarshalAppend(b []byte, v any) ([]byte, error) {
	switch m := v.(type) {
	case *grpcpush.Frame:
		return m.Append(b), nil
	case proto.Message:
		return proto.MarshalOptions{}.MarshalAppend(b, m)
	}
	return nil, errMalformed
}

// Unmarshal decodes a message.
func (webBinary) Unmarshal(b []byte, v any) error {
	if m, ok := v.(proto.Message); ok {
		return proto.Unmarshal(b, m)
	}
	return errMalformed
}

// webText is connect-go's JSON codec, which also knows *grpcpush.Frame.
type webText struct{}

// Name is that of the codec it stands in for.
func (webText) Name() string { return "json" }

// Marshal encodes a message.
func (webText) Marshal(v any) ([]byte, error) {
	switch m := v.(type) {
	case *grpcpush.Frame:
		response := &todokuv1.FeedNotificationResponse{}
		if err := proto.Unmarshal(m.Append(nil), response); err != nil {
			return nil, err
		}
		return protojson.Marshal(response)
	case proto.Message:
		return protojson.Marshal(m)
	}
	return nil, errMalformed
}

// Unmarshal decodes a message; fields that it does not know it leaves out.
func (webText) Unmarshal(b []byte, v any) error {
	if m, ok := v.(proto.Message); ok {
		return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, m)
	}
	return errMalformed
}
