// Package rpc is the way in and out: it turns requests into commands and
// queries, answers and pushed messages into the wire's words, and decides for
// every call who it is, whether they may, and how long it may take.
//
// [New] makes the services over the parts of the server; [Server.Register] puts
// them on a gRPC server together with [Server.Interceptors]. The package opens no
// socket and reads no configuration. A handler returns the errors of the parts
// below unchanged; the door turns them into codes and reasons by one table
// (errors.go), as it decides about callers by another (methods.go).
//
// All of it is safe for concurrent use. Calls end with their contexts. The only
// goroutines are those that streaming calls begin on, which the calls wait for.
package rpc

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"todoku/account"
	"todoku/engine"
	"todoku/feed"
	"todoku/history"
	"todoku/journal"
	"todoku/live"
	"todoku/push"
	"todoku/trade"
)

// Engine takes commands. Its errors are those of package engine and
// [*trade.Refusal].
type Engine interface {
	Submit(ctx context.Context, command trade.Command) (trade.Answer, error)
	// SubmitAll must answer every command in its place.
	SubmitAll(ctx context.Context, commands []trade.Command) []engine.Result
}

// Submit returns what live.Options.Submit needs.
func Submit(e Engine) func(context.Context, []trade.Command) []error {
	return func(ctx context.Context, commands []trade.Command) []error {
		errs := make([]error, 0, len(commands))
		for _, result := range e.SubmitAll(ctx, commands) {
			errs = append(errs, result.Err)
		}
		return errs
	}
}

// History answers questions about what was; [history.Store] says how.
type History interface {
	Orders(ctx context.Context, query history.OrderQuery) (history.Page[trade.Order], error)
	Order(ctx context.Context, account trade.AccountID, ref trade.OrderRef) (trade.Order, bool, error)
	Executions(ctx context.Context, query history.ExecutionQuery) (history.Page[history.Execution], error)
	Trades(ctx context.Context, query history.TradeQuery) (history.Page[trade.Print], error)
	Audit(ctx context.Context, query history.AuditQuery) (history.Page[history.AuditEntry], error)
	// Trade must return a trade with its parties, as it was last reported.
	// Without one, ok must be false.
	Trade(ctx context.Context, id trade.TradeID) (t trade.Trade, ok bool, err error)
}

// Follower keeps the history up to date.
type Follower interface {
	// WaitFor must return when the history reflects a sequence, or ctx's cause.
	WaitFor(ctx context.Context, sequence uint64) error
}

// Deps are the parts that the services are made of. All are needed and stay the
// caller's.
type Deps struct {
	Engine   Engine
	Journal  *journal.Log
	Feed     *feed.Feed
	Hub      *push.Hub
	History  History
	Follower Follower
	Accounts *account.Service
	Live     *live.Streams
}

// Options are what can be set. The zero value takes the defaults.
type Options struct {
	// Version is the server's, sent in every Hello.
	Version string
	// Clock tells the time; time.Now by default.
	Clock func() time.Time
	// MaxRequestBytes bounds a request; 1 MiB by default. The server's transport
	// limit must be larger, so that an oversized request gets REQUEST_TOO_LARGE
	// instead of a reset.
	MaxRequestBytes int
	// WatchdogInterval, StaleInterval and AcknowledgeInterval are told to clients
	// in every Hello; 15 s, 8 s and 15 s by default.
	WatchdogInterval    time.Duration
	StaleInterval       time.Duration
	AcknowledgeInterval time.Duration
	// Limits say what one user and one network may ask for.
	Limits Limits
	// Fault is told of every error that was withheld from a client, panics
	// included, with the method that it happened in. Nil: nobody.
	Fault func(method string, err error)
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.MaxRequestBytes == 0 {
		o.MaxRequestBytes = 1 << 20
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&o.WatchdogInterval, 15 * time.Second}, {&o.StaleInterval, 8 * time.Second}, {&o.AcknowledgeInterval, 15 * time.Second}} {
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
	if o.Fault == nil {
		o.Fault = func(string, error) {}
	}
	return o
}

// Server is the services and their doors.
type Server struct {
	engine   Engine
	journal  *journal.Log
	feed     *feed.Feed
	hub      *push.Hub
	history  History
	follower Follower
	accounts *account.Service
	live     *live.Streams
	options  Options
	limits   *limiter

	methods map[string]audience
	table   []row
	// changing admits one change of a user at a time: such a change is made of
	// what the user was.
	changing chan struct{}
}

// New returns the services over the parts of a server.
func New(deps Deps, options Options) *Server {
	return &Server{
		engine: deps.Engine, journal: deps.Journal, feed: deps.Feed, hub: deps.Hub,
		history: deps.History, follower: deps.Follower,
		accounts: deps.Accounts, live: deps.Live,
		options: options.withDefaults(), limits: newLimiter(options.Limits), methods: methods(), table: table(),
		changing: make(chan struct{}, 1),
	}
}

// Register puts the services on a server that was made with the options of
// [Server.Interceptors].
func (s *Server) Register(r grpc.ServiceRegistrar) {
	for _, service := range s.services() {
		r.RegisterService(s.readable(service.desc), service.implementation)
	}
}
