package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/h2"
)

// sendLight sends a lane's requests on an HTTP/2 connection that it makes itself.
func sendLight(ctx context.Context, config OrdersConfig, l *lane) error {
	conn, err := dialLight(ctx, config.Target.Venue)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // Everything has been read.
	s := &lightSender{
		lane: l, venue: config.Target.Venue, free: make(chan struct{}, config.InFlight),
		encoder: h2.NewEncoder(), primed: map[*session]bool{}, kept: map[*session][]byte{},
	}
	if s.conn, err = newHTTP2Conn(conn, s.done); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.conn.run(ctx) })
	group.Go(func() error {
		if l.schedule.open() {
			return s.keepPace(ctx)
		}
		for range config.InFlight {
			if err := s.send(nil); err != nil {
				return err
			}
		}
		return s.conn.flush()
	})
	return group.Wait()
}

func dialLight(ctx context.Context, venue client.Config) (net.Conn, error) {
	if venue.Plaintext {
		return (&net.Dialer{}).DialContext(ctx, "tcp", venue.Address)
	}
	config := venue.TLS.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config.NextProtos = []string{"h2"}
	return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", venue.Address)
}

// lightSender is a lane on its connection.
type lightSender struct {
	lane  *lane
	venue client.Config
	conn  *http2Conn
	// free holds a token for each request in flight, where there is a rate to keep.
	free chan struct{}
	pool sync.Pool

	encoder *h2.Encoder
	primed  map[*session]bool   // users whose fields were sent
	kept    map[*session][]byte // blocks that do not change any more
}

// send starts the lane's next request, if there is one. x may be nil.
func (s *lightSender) send(x *exchange) error {
	r, ok := s.lane.next()
	if !ok {
		return s.conn.finish()
	}
	return s.start(x, r)
}

func (s *lightSender) start(x *exchange, r request) error {
	if x == nil {
		x = &exchange{}
	}
	x.reset()
	x.request = r
	x.message = s.lane.appendRequest(x.message, &r)
	x.request.sent = time.Now()
	err := s.conn.start(x, func() []byte { return s.headers(r.user) })
	if errors.Is(err, errGoAway) {
		return nil // finish was called meanwhile: the run is over.
	}
	return err
}

// done keeps an answer and, in a closed loop, sends the next request.
func (s *lightSender) done(x *exchange) error {
	reply, err := x.result()
	var answers []answered
	var cursor []byte
	if err == nil {
		answers, cursor, err = readAnswers(reply, x.request.size)
	}
	s.lane.done(&x.request, answers, string(cursor), err)
	if s.lane.schedule.open() {
		s.pool.Put(x)
		<-s.free
		return nil
	}
	return s.send(x)
}

// keepPace sends requests when they are due.
func (s *lightSender) keepPace(ctx context.Context) error {
	err := s.lane.keepPace(ctx, func(r request) error {
		select {
		case s.free <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		x, _ := s.pool.Get().(*exchange)
		return errors.Join(s.start(x, r), s.conn.flush())
	})
	if err != nil {
		return err
	}
	return s.conn.finish()
}

// usersPerLane is how many users' fields a connection's table holds: a lane's pair.
const usersPerLane = 2

// headers returns the encoded headers of a user's request, valid until the next call. A
// field that was sent before is a reference into a table. Once all users' fields are in
// the table the blocks never change and are kept.
func (s *lightSender) headers(u *session) []byte {
	if kept := s.kept[u]; kept != nil {
		return kept
	}
	method := todokuv1.OrderService_PlaceOrder_FullMethodName
	if s.lane.batch > 1 {
		method = todokuv1.OrderService_PlaceOrders_FullMethodName
	}
	block := s.encoder.Encode(headerFields(s.venue, method, u.token))
	if len(s.primed) == usersPerLane && s.primed[u] {
		s.kept[u] = bytes.Clone(block)
	}
	s.primed[u] = true
	return block
}
