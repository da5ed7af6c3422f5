package rpc

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// connect-go reads, inflates and decodes a request before its interceptors run. So the
// browsers' door asks admit in front of it, by the headers alone, and gives connect-go the
// body of an admitted call only.

// exchange is the HTTP request behind a call of the browsers' door, and its answer.
type exchange struct {
	writer  http.ResponseWriter
	request *http.Request
	secure  bool // The browser uses https.

	admitted context.Context //nolint:containedctx // It has the caller; connect-go makes the call's own.
	arrived  func()          // To be called when the request was decoded.
	err      error           // The call's, nil where connect-go answers by itself.
}

type exchangeKey struct{}

// exchangeOf returns the exchange of a call.
func exchangeOf(ctx context.Context) *exchange {
	e, _ := ctx.Value(exchangeKey{}).(*exchange)
	return e
}

// webReceiver admits calls before connect-go.
type webReceiver struct {
	*webDoor
	next   http.Handler
	errors *connect.ErrorWriter
	around []grpc.UnaryServerInterceptor
}

// ServeHTTP runs a call within the interceptors, if it is unary.
func (s *webReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := &exchange{writer: w, request: r, secure: s.options.Secure(r)}
	e.readBy(time.Now().Add(requestTimeout))
	method := r.URL.Path
	if r.Method != http.MethodPost || !s.errors.IsSupported(r) {
		e.request.Body = http.NoBody
		s.next.ServeHTTP(w, r) // connect-go says what is wrong.
		return
	}
	handler := func(ctx context.Context, _ any) (any, error) { //nolint:unparam // connect-go writes the answer.
		s.call(e, r.WithContext(ctx))
		return nil, e.err
	}
	if s.methods[method].streaming {
		_, _ = handler(r.Context(), nil) // The error was written.
		return
	}
	info := &grpc.UnaryServerInfo{FullMethod: method}
	for _, outer := range slices.Backward(s.around) {
		inner := handler
		handler = func(ctx context.Context, req any) (any, error) { return outer(ctx, req, info, inner) }
	}
	_, _ = handler(trail(r), nil) // As above.
}

// trail returns the context of a request with the headers of a trace where grpc-go has them.
func trail(r *http.Request) context.Context {
	md := metadata.MD{}
	for _, name := range []string{"traceparent", "tracestate"} {
		if values := r.Header.Values(name); len(values) > 0 {
			md.Set(name, values...)
		}
	}
	return metadata.NewIncomingContext(r.Context(), md)
}

// call admits a call and has connect-go read and answer it.
func (s *webReceiver) call(e *exchange, r *http.Request) {
	method := r.URL.Path
	ctx, leave, err := s.admit(r.Context(), newCall(method, r.Header.Values("Authorization"), r.RemoteAddr, s.methods[method].streaming))
	if err == nil {
		defer leave()
		err = s.mayArrive(ctx, e, r)
	}
	if err != nil {
		e.err = s.webStatus(method, err)
		_ = s.errors.Write(e.writer, r, e.err) // An error means that the client has disconnected.
		return
	}
	defer e.arrived()
	e.admitted = ctx
	s.next.ServeHTTP(e.writer, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e)))
}

// mayArrive bounds the body of an admitted call and counts it as arriving.
func (s *webReceiver) mayArrive(ctx context.Context, e *exchange, r *http.Request) error {
	c := callerOf(ctx)
	most := int64(s.maxBytes(c.User == ""))
	if r.ContentLength > most {
		return errTooLarge
	}
	one, err := s.arrivals.enter(&c, e)
	if err != nil {
		return err
	}
	e.arrived = sync.OnceFunc(func() { _ = s.arrivals.leave(one) }) // connect-go answers what was cut.
	r.Body = http.MaxBytesReader(e.writer, r.Body, most)
	return nil
}

// decoded is to be called when the request was decoded. Release must be called when the
// message is not needed any more.
func (s *webDoor) decoded(e *exchange, message any) (release func(), err error) {
	e.whole()
	c := callerOf(e.admitted)
	m, ok := message.(proto.Message)
	if !ok {
		return func() {}, nil
	}
	// Decoded messages take a few times their size.
	release, err = s.arrivals.hold(&c, 4*proto.Size(m))
	if release == nil {
		release = func() {}
	}
	return release, err
}

// whole is to be called when the request is here.
func (e *exchange) whole() {
	e.arrived()
	e.readBy(time.Time{})
}

// call returns the context of the call with its caller.
func (e *exchange) call(ctx context.Context) context.Context {
	return context.WithValue(ctx, callerKey{}, callerOf(e.admitted))
}

// ended notes the call's error and returns it.
func (e *exchange) ended(err error) error {
	e.err = err
	return err
}

// cut makes the reading of the request fail.
func (e *exchange) cut(error) { e.readBy(time.Unix(1, 0)) }

// readBy sets the time after which reads fail; the zero time is never.
func (e *exchange) readBy(limit time.Time) {
	// Only the recorder of a test has no deadlines; it never blocks.
	_ = http.NewResponseController(e.writer).SetReadDeadline(limit)
}

// unbounded lifts the limits of the time to read the request and to send the answer.
func (e *exchange) unbounded() {
	e.readBy(time.Time{})
	_ = http.NewResponseController(e.writer).SetWriteDeadline(time.Time{}) // See readBy.
}

// writeBy makes writes fail if the client does not read them within this time.
func (e *exchange) writeBy(limit time.Duration) {
	_ = http.NewResponseController(e.writer).SetWriteDeadline(time.Now().Add(limit)) // See readBy.
}
