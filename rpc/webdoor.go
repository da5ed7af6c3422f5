package rpc

import (
	"context"
	"errors"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/gen/todoku/v1/todokuv1connect"
	"todoku/push"
	"todoku/push/grpcpush"
	"todoku/rpc/wirecost"
)

// The browsers' door: the same services in the Connect and gRPC-Web protocols,
// which a page can speak. It knows connect-go and nothing of the venue, as
// grpc-go's door knows grpc-go: admit, the handlers and explain are the same.
// connect-go itself answers a request that cannot be read, with INVALID_ARGUMENT.

// RegisterWeb puts the services on a mux, below /todoku.v1., for a page that the
// same server has sent. They refuse requests that another site's page makes. Around are
// interceptors of unary calls, as [Server.Registrar] takes them.
func (s *Server) RegisterWeb(mux *http.ServeMux, around ...grpc.UnaryServerInterceptor) {
	door := &webDoor{s}
	options := []connect.HandlerOption{
		connect.WithInterceptors(door),
		connect.WithCodec(webCodec{costs: s.costs}),
		connect.WithCodec(webCodec{costs: s.costs, json: true}),
		// Also of what is inflated.
		connect.WithConditionalHandlerOptions(func(spec connect.Spec) []connect.HandlerOption {
			return []connect.HandlerOption{connect.WithReadMaxBytes(s.maxBytes(s.methods[spec.Procedure].public))}
		}),
	}
	sameOrigin := http.NewCrossOriginProtection()
	errors := connect.NewErrorWriter(options...)
	handle := func(path string, service http.Handler) {
		mux.Handle(path, sameOrigin.Handler(&webReceiver{door, service, errors, around}))
	}
	web := webServices{&services{Server: s}}
	handle(todokuv1connect.NewSessionServiceHandler(web, options...))
	handle(todokuv1connect.NewNotificationServiceHandler(web, options...))
	handle(todokuv1connect.NewOrderServiceHandler(web, options...))
	handle(todokuv1connect.NewMarketServiceHandler(web, options...))
	handle(todokuv1connect.NewAdminServiceHandler(web, options...))
}

// webServices are the services with connect-go's streams.
type webServices struct{ *services }

// FeedNotification attaches a stream to a connection and sends until it ends.
func (s webServices) FeedNotification(
	ctx context.Context, req *todokuv1.FeedNotificationRequest, stream *connect.ServerStream[todokuv1.FeedNotificationResponse],
) error {
	exchange := exchangeOf(ctx)
	exchange.whole()
	exchange.unbounded() // The stream has no deadline.
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
	// net/http requires that no goroutine writes once its handler has returned. A send
	// that is stuck fails at the first deadline; the status has until the second.
	exchange.writeBy(time.Second)
	v.Push.Wait()
	exchange.writeBy(time.Second)
	return err
}

// ExportJournal sends the journal.
func (s webServices) ExportJournal(
	ctx context.Context, req *todokuv1.ExportJournalRequest, stream *connect.ServerStream[todokuv1.ExportJournalResponse],
) error {
	const recordTimeout = 30 * time.Second // Of sending one record.
	exchange := exchangeOf(ctx)
	exchange.whole()
	return s.exportJournal(ctx, req, func(r *todokuv1.ExportJournalResponse) error {
		exchange.writeBy(recordTimeout)
		return stream.Send(r)
	})
}

// webDoor runs admitted calls and explains their errors.
type webDoor struct{ *Server }

// WrapUnary runs unary calls.
func (s *webDoor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (res connect.AnyResponse, err error) {
		method, exchange := req.Spec().Procedure, exchangeOf(ctx)
		defer func() { err = exchange.ended(s.webStatus(method, err)) }()
		defer recovered(&err)
		release, err := s.decoded(exchange, req.Any())
		if err != nil {
			return nil, err
		}
		defer release()
		ctx, cancel := s.bound(exchange.call(ctx), method)
		defer cancel()
		exchange.cookieIn(ctx, req, s.accounts.OtherSession)
		if res, err = next(ctx, req); err == nil {
			exchange.cookieOut(req, res)
		}
		return res, err
	}
}

// WrapStreamingHandler runs streams.
func (s *webDoor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) (err error) {
		method, exchange := conn.Spec().Procedure, exchangeOf(ctx)
		defer func() { err = exchange.ended(s.webStatus(method, err)) }()
		defer recovered(&err)
		return next(exchange.call(ctx), conn)
	}
}

// WrapStreamingClient returns next unchanged: this is no client.
func (s *webDoor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// webStatus returns an error as Connect's, with the details that gRPC has, and reports
// it if its cause was withheld. connect-go's own errors stay as they are.
func (s *webDoor) webStatus(method string, err error) error {
	if own := (*connect.Error)(nil); err == nil || errors.As(err, &own) {
		return err
	}
	p := s.explain(err)
	s.report(method, p, err)
	out := connect.NewError(connect.Code(p.code), errors.New(p.text))
	for _, packed := range p.status().Proto().GetDetails() {
		if detail, err := connect.NewErrorDetail(packed); err == nil {
			out.AddDetail(detail)
		}
	}
	return out
}

// webCodec is connect-go's codec for protobuf or JSON, which also knows *grpcpush.Frame,
// so that messages to many streams are encoded once for this door too.
type webCodec struct {
	costs *wirecost.Table
	json  bool
}

// Name returns the name of the codec that it replaces.
func (c webCodec) Name() string {
	if c.json {
		return "json"
	}
	return "proto"
}

// Marshal encodes a message.
func (c webCodec) Marshal(v any) ([]byte, error) { return c.MarshalAppend(nil, v) }

// MarshalAppend appends an encoded message.
func (c webCodec) MarshalAppend(b []byte, v any) ([]byte, error) {
	m, _ := v.(proto.Message)
	if frame, ok := v.(*grpcpush.Frame); ok {
		if !c.json {
			return frame.Append(b), nil
		}
		m = &todokuv1.FeedNotificationResponse{}
		if err := proto.Unmarshal(frame.Append(nil), m); err != nil {
			return nil, err
		}
	}
	switch {
	case m == nil:
		return nil, errMalformed
	case c.json:
		return protojson.MarshalOptions{}.MarshalAppend(b, m)
	}
	return proto.MarshalOptions{}.MarshalAppend(b, m)
}

// Unmarshal decodes a message, unless it would take too much memory, and ignores unknown
// fields.
func (c webCodec) Unmarshal(b []byte, v any) error {
	m, ok := v.(proto.Message)
	switch {
	case !ok:
		return errMalformed
	case c.json && wirecost.JSON(b) > maxCost, !c.json && c.costs.Cost(m.ProtoReflect().Descriptor().FullName(), b, maxCost) > maxCost:
		return errTooLarge
	case c.json:
		return protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxJSONDepth}.Unmarshal(b, m)
	}
	return proto.Unmarshal(b, m)
}

// maxJSONDepth bounds objects in objects. The API has fewer than ten.
const maxJSONDepth = 100
