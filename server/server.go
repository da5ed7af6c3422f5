package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"

	"todoku/account"
	"todoku/door"
	"todoku/engine"
	"todoku/feed"
	"todoku/history"
	"todoku/journal"
	"todoku/live"
	"todoku/push"
	"todoku/rpc"
	"todoku/trade"
)

// Server is a venue. Make it with [New]; call [Server.Run] once.
type Server struct {
	config  Config
	storage *Storage
	log     *journal.Log

	accounts *account.Service
	engine   *engine.Engine
	hub      *push.Hub
	feed     *feed.Feed
	follower *history.Follower
	live     *live.Streams
	services *rpc.Server
	metrics  *metrics
	tracing  *tracing // nil: off

	connections  *door.Limiter
	certificates *door.Certificates // nil: plaintext
	hosts        *hosts

	grpc   *grpc.Server
	health *health.Server
	ready  atomic.Bool

	listeners door.Listeners
	stop      chan struct{} // closed by Stop
	stopOnce  sync.Once
}

// New opens the data directory and builds the venue. The error says what to do:
// [ErrConfig], journal.ErrInUse, journal.ErrNewerVersion, or what is broken.
func New(ctx context.Context, config Config) (_ *Server, err error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	certificates, err := config.certificates()
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, certificates: certificates, hosts: newHosts(&config), metrics: newMetrics(config.Version), tracing: newTracing(config.Tracing, config.Version), stop: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.closeFiles())
		}
	}()
	if s.storage, err = OpenStorage(ctx, config.Data, StorageOptions{MaxJournalBytes: config.MaxJournalBytes}); err != nil {
		return nil, err
	}
	if s.log, err = journal.Open(ctx, &measuredStore{s.storage.Journal, &s.metrics.journal}, journal.Options{}); err != nil {
		return nil, err
	}
	if err := s.build(ctx); err != nil {
		return nil, err
	}
	s.connections = door.NewLimiter(door.Limits{
		Total: config.Doors.Connections, PerNetwork: config.Doors.ConnectionsPerNetwork, Admission: config.Doors.Admission,
		Network: account.Network,
	})
	s.metrics.observeStreams(s.hub)
	s.metrics.observeParts(s)
	s.buildDoors()
	if s.listeners, err = door.Listen(ctx, door.Config{
		GRPCAddr: config.GRPCAddr, HTTPAddr: config.HTTPAddr, TLS: certificates, GRPCTimeout: config.Keepalive.Timeout,
	}, s.connections); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	return s, nil
}

// build makes the parts, from the journal outwards.
func (s *Server) build(ctx context.Context) error {
	c, log := &s.config, s.log
	began := time.Now()
	var err error
	if s.engine, err = engine.Open(ctx, log, engine.Options{
		Clock: c.Clock, SnapshotEvery: c.SnapshotEvery, MaxRecord: c.MaxRecord, Retain: c.Retain, Report: s.engineReport,
		Default: c.DefaultLimits.engine(),
	}); err != nil {
		return err
	}
	c.Logger.InfoContext(ctx, "state restored", slog.Uint64("head", log.Head()), slog.Duration("took", time.Since(began)))

	encoder := rpc.NewEncoder(log.Head)
	hub := c.Push
	hub.Epoch, hub.Encoder, hub.Listener = log.Epoch(), encoder, &streamLog{s}
	hub.HasState = encoder.HasState
	hub.Gone = door.DisconnectCause
	if s.tracing != nil {
		hub.Sending = s.tracing.sending
	}
	// Attach numbers rise across restarts, so that an acknowledgement of an earlier
	// stream never counts for a later one.
	hub.FirstAttach = uint64(c.Clock().UnixMilli()) << 20
	s.hub = push.NewHub(hub)

	replay := c.Replay
	replay.CheckpointFailed = func(err error) { c.Logger.WarnContext(ctx, "replay index not saved", failure(err)) }
	replay.Publishing = s.tracing.publishing
	replay.Published = func(records []*trade.Record) {
		s.metrics.published(records)
		s.tracing.publication(records)
	}
	s.feed = feed.New(log, s.hub, s.storage.Index, encoder, replay)
	encoder.SetDigests(s.feed.Digests)
	s.follower = history.NewFollower(log, s.storage.History, history.Options{Listener: s.historyEvent})

	accounts := c.Accounts
	accounts.Clock = c.Clock
	accounts.Admit, accounts.OnEnd = rpc.Admit(s.feed), rpc.EndStreams(s.hub)
	accounts.OnExtend = func(session string, expires time.Time) { s.hub.SetExpiry(session, expires) }
	accounts.Attached = func(ctx context.Context, user string) (map[string]bool, error) { return s.live.Attached(ctx, user) }
	accounts.OnFault = func(err error) { c.Logger.WarnContext(ctx, "account work failed", failure(err)) }
	if s.accounts, err = account.NewService(ctx, s.storage.Accounts, accounts); err != nil {
		return fmt.Errorf("server: accounts: %w", err)
	}

	if s.live, err = live.New(ctx, live.Options{
		Node: c.Node, Hub: s.hub, Evidence: s.storage.Evidence, Submit: rpc.Submit(s.engine), Directory: s.feed,
		Presence: c.Presence, Clock: c.Clock,
		Fault: func(err error) { c.Logger.WarnContext(ctx, "work on live streams failed", failure(err)) },
	}); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	s.services = rpc.New(rpc.Deps{
		Engine: s.tracing.engine(s.engine), Journal: log, Feed: s.feed, Hub: s.hub, History: s.storage.History,
		Follower: s.follower, Accounts: s.accounts, Live: s.live,
	}, rpc.Options{
		Version: c.Version, Clock: c.Clock, Limits: c.Limits,
		Admitted: door.Admitted, WasAdmitted: door.WasAdmitted, Secure: s.hosts.secure,
		WatchdogInterval: c.Clients.Watchdog, StaleInterval: c.Clients.Stale, AcknowledgeInterval: c.Clients.Acknowledge,
		Fault: func(method string, err error) {
			c.Logger.ErrorContext(ctx, "call failed", slog.String("method", method), failure(err))
		},
	})
	return nil
}

// GRPCAddr returns where the gRPC port listens.
func (s *Server) GRPCAddr() net.Addr { return s.listeners.GRPC.Addr() }

// HTTPAddr returns where the HTTP port listens.
func (s *Server) HTTPAddr() net.Addr { return s.listeners.HTTP.Addr() }

// Stop ends a drain at once, with its streams and calls. Commands that were answered are
// durable in any case.
func (s *Server) Stop() { s.stopOnce.Do(func() { close(s.stop) }) }

// ReloadCertificates reads the files of TLS again and logs how that went. Connections keep
// what they have.
func (s *Server) ReloadCertificates() {
	if s.certificates == nil {
		s.config.Logger.Info("nothing to reload: this venue has no TLS")
		return
	}
	s.certificates.Reload()
}

// closeFiles closes the ports and the data directory.
func (s *Server) closeFiles() error {
	err := s.listeners.Close()
	if s.log != nil {
		s.log.Close()
	}
	if s.storage != nil {
		err = errors.Join(err, s.storage.Close())
	}
	return err
}

// configure journals the venue's settings if they differ from those in the journal.
func (s *Server) configure(ctx context.Context) error {
	_, err := s.engine.Submit(ctx, &trade.ConfigureVenue{Venue: s.config.Venue})
	if errors.Is(err, engine.ErrNotDurable) && s.log.Head() > 0 {
		// With a full disk the venue can still be read.
		s.config.Logger.WarnContext(ctx, "venue settings not journaled", failure(err))
		return nil
	}
	return err
}

func (s *Server) engineReport(r engine.Report) {
	what, sequence := slog.String("what", string(r.What)), slog.Uint64("sequence", r.Sequence)
	switch r.What {
	case engine.SnapshotSaved, engine.Compacted, engine.JournalRecovered, engine.BecameLeader, engine.BecameFollower:
		s.config.Logger.Info("engine", what, sequence)
	case engine.SnapshotFailed, engine.CompactFailed, engine.JournalFailed:
		s.config.Logger.Error("engine", what, sequence, failure(r.Err))
	}
}

func (s *Server) historyEvent(e history.Event) {
	what := slog.String("what", string(e.Kind))
	was, position := slog.String("was", e.Was.String()), slog.String("position", e.Position.String())
	if e.Kind == history.Failed {
		s.config.Logger.Error("history", what, was, position, failure(e.Err))
		return
	}
	s.config.Logger.Info("history", what, was, position)
}

// failure is an error as a log attribute.
func failure(err error) slog.Attr { return slog.Any("error", err) }
