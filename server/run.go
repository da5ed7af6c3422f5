package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"todoku/door"
	"todoku/engine"
)

// part is a goroutine of the venue that runs until it is stopped.
type part struct {
	name string
	stop context.CancelFunc
	done chan struct{}
	err  error // valid once done is closed
}

// parts starts goroutines and notices the first that ends on its own.
type parts struct{ failed chan *part }

// start runs a part on a context of its own, so that parts stop in order and not
// all at once.
func (p *parts) start(ctx context.Context, name string, run func(context.Context) error) *part {
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	t := &part{name: name, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		t.err = run(own)
		if own.Err() == nil {
			if t.err == nil {
				t.err = errors.New("ended")
			}
			select {
			case p.failed <- t:
			default:
			}
		}
	}()
	return t
}

// end stops a part and waits for it. It tolerates one that never started.
func (t *part) end() error {
	if t == nil {
		return nil
	}
	t.stop()
	<-t.done
	if t.err != nil && !errors.Is(t.err, context.Canceled) {
		return fmt.Errorf("server: %s: %w", t.name, t.err)
	}
	return nil
}

// running are the parts of a venue that runs.
type running struct {
	parts
	hub, engine, feed, history, retention, accounts, live, presence, grpc, http *part
}

// Run serves until ctx ends, then drains, closes the data directory and returns. It must
// be called once. nil means a clean stop.
func (s *Server) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, s.closeFiles()) }()
	r := &running{parts: parts{failed: make(chan *part, 1)}}
	if err := s.start(ctx, r); err != nil {
		if ctx.Err() != nil {
			err = nil // A start that a stop interrupts has not failed.
		}
		return errors.Join(err, s.shutDown(ctx, r, 0))
	}
	s.config.Logger.InfoContext(ctx, "serving", slog.String("grpc", s.GRPCAddr().String()),
		slog.String("http", s.HTTPAddr().String()), slog.String("data", s.config.Data))
	var failed error
	select {
	case <-ctx.Done():
		s.config.Logger.InfoContext(ctx, "stopping", slog.Duration("drain", s.config.Drain))
	case t := <-r.failed:
		failed = fmt.Errorf("server: %s: %w", t.name, t.err)
		s.config.Logger.ErrorContext(ctx, "a part failed, stopping", slog.String("part", t.name), failure(t.err))
	}
	return errors.Join(failed, s.shutDown(ctx, r, s.config.Drain))
}

// start starts the parts from the journal outwards; the ports come last, when everything
// behind them is ready.
func (s *Server) start(ctx context.Context, r *running) error {
	r.hub = r.start(ctx, "hub", s.hub.Run)
	r.engine = r.start(ctx, "engine", s.engine.Run)
	// Only the leader writes for the whole venue.
	leads := s.engine.Role() == engine.Leader
	if leads {
		if err := s.configure(ctx); err != nil {
			return err
		}
	}
	r.feed = r.start(ctx, "feed", s.feed.Run)
	if leads {
		r.history = r.start(ctx, "history", s.follower.Run)
		r.retention = r.start(ctx, "retention", s.retain)
	}
	r.accounts = r.start(ctx, "accounts", s.accounts.Run)
	r.live = r.start(ctx, "live streams", s.live.Run)
	select {
	case <-s.feed.Ready():
	case t := <-r.failed:
		return fmt.Errorf("server: %s: %w", t.name, t.err)
	case <-ctx.Done():
		return nil
	}
	if leads {
		r.presence = r.start(ctx, "presence", s.live.RunPresence)
	}
	// Before the ports answer their first probe.
	s.ready.Store(true)
	s.health.SetServingStatus("", grpc_health_v1.HealthCheckResponse_SERVING)
	r.grpc = r.start(ctx, "grpc", s.serveGRPC)
	r.http = r.start(ctx, "http", s.serveHTTP)
	return nil
}

// shutDown stops the parts from the outside inwards.
func (s *Server) shutDown(ctx context.Context, r *running, limit time.Duration) error {
	s.ready.Store(false)
	s.health.Shutdown()
	cut, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	go func() { // Ends with cut, at the latest when this function returns.
		select {
		case <-s.stop:
			cancel()
		case <-cut.Done():
		}
	}()
	// Presence stops first: a client that disconnects during the drain is not absent.
	errs := []error{r.presence.end()}
	if r.grpc != nil {
		s.drain(cut)
	}
	errs = append(errs, r.http.end(), r.grpc.end(), r.engine.end())
	s.settle(ctx, r)
	errs = append(errs, r.feed.end(), r.retention.end(), r.history.end(), r.hub.end(), r.live.end(), r.accounts.end())
	return errors.Join(errs...)
}

// drain asks clients to move their streams and lets calls finish, until cut ends.
func (s *Server) drain(cut context.Context) {
	limit := s.config.Drain
	// Streams that remain after three quarters are ended; the last quarter is for calls.
	if err := s.hub.Drain(cut, limit*3/8, limit*3/4); err != nil {
		s.config.Logger.WarnContext(cut, "streams cut", failure(err))
	}
	graceful := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(graceful)
	}()
	// Calls have deadlines, but a peer that reads nothing can keep a connection open.
	wait, cancel := context.WithTimeout(cut, 5*time.Second)
	defer cancel()
	select {
	case <-graceful:
		return
	case <-wait.Done():
	}
	if cut.Err() != nil {
		// Streams that were just ended still send their reason.
		last, cancel := context.WithTimeout(context.WithoutCancel(cut), 200*time.Millisecond)
		defer cancel()
		select {
		case <-graceful:
			return
		case <-last.Done():
		}
	}
	s.grpc.Stop()
	<-graceful
}

// settle lets the followers read what the engine wrote last, so that the next start has
// nothing to catch up with.
func (s *Server) settle(ctx context.Context, r *running) {
	const longest = 2 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest)
	defer cancel()
	head := s.log.Head()
	if r.feed != nil {
		_ = s.feed.WaitFor(ctx, head) // A follower that is late catches up at the next start.
	}
	if r.history != nil {
		_ = s.follower.WaitFor(ctx, head)
	}
}

// serveGRPC serves until the gRPC server is stopped.
func (s *Server) serveGRPC(ctx context.Context) error {
	// A stop may come before Serve begins.
	if err := s.grpc.Serve(s.listeners.GRPC); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	<-ctx.Done() // Serve returns when a stop begins; the part ends when ctx does.
	return nil
}

// httpServer returns the server of the HTTP port.
func (s *Server) httpServer(handler http.Handler) *http.Server {
	return &http.Server{
		ErrorLog: slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelWarn), Handler: handler,
		ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
		ConnContext: door.ConnContext,
		// A page of a browser has a stream and some calls.
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 100},
	}
}

// serveHTTP serves until ctx ends.
func (s *Server) serveHTTP(ctx context.Context) error {
	web := s.httpServer(s.handler())
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(s.listeners.HTTP) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err := web.Shutdown(closing)
	if errors.Is(err, context.DeadlineExceeded) {
		err = web.Close()
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		return errors.Join(err, served)
	}
	return err
}
