// Package rpc is the API: it turns requests into commands and queries, answers and
// pushed messages into messages of the schema, and decides for every call who calls,
// whether they may, and how long it may take.
//
// [New] makes the services over the parts of the server; [Server.Register] puts
// them on a gRPC server together with [Server.Interceptors]. The package opens no
// socket and reads no configuration. A handler returns the errors of the parts
// below unchanged; one table turns them into codes and reasons (errors.go). Another
// says who may call a method (methods.go).
//
// All of it is safe for concurrent use. Calls end with their contexts. The only
// goroutines are those on which streaming calls begin; the calls wait for them.
package rpc

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"google.golang.org/grpc"

	"todoku/account"
	"todoku/engine"
	"todoku/feed"
	"todoku/history"
	"todoku/journal"
	"todoku/live"
	"todoku/push"
	"todoku/rpc/wirecost"
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

// Deps are the parts that the services are made of. All are needed and stay the
// caller's.
type Deps struct {
	Engine   Engine
	Journal  *journal.Log
	Feed     *feed.Feed
	Hub      *push.Hub
	History  history.Store
	Follower *history.Follower
	Accounts *account.Service
	Live     *live.Streams
}

// Options are what can be set. The zero value takes the defaults.
type Options struct {
	// Version is the server's, sent in every Hello.
	Version string
	// Clock returns the time; time.Now by default.
	Clock func() time.Time
	// MaxRequestBytes bounds a request, as sent and inflated; 1 MiB by default. Requests
	// of methods that need no token may have 16 KiB.
	MaxRequestBytes int
	// WatchdogInterval, StaleInterval and AcknowledgeInterval are sent to clients in
	// every Hello; 15 s, 8 s and 15 s by default.
	WatchdogInterval    time.Duration
	StaleInterval       time.Duration
	AcknowledgeInterval time.Duration
	// Limits say what one user and one network may ask for.
	Limits Limits
	// Admitted is called with the context of each call whose caller showed a valid token;
	// nil for none.
	Admitted func(ctx context.Context)
	// WasAdmitted says whether Admitted was called for the connection of a call. nil: never.
	WasAdmitted func(ctx context.Context) bool
	// Secure says whether the browser that sent a request uses https, to this server or to
	// a proxy that ends TLS; by default whether this server does.
	Secure func(*http.Request) bool
	// Fault takes every error that was withheld from a client, panics included, with
	// the method that it happened in; nil for none.
	Fault func(method string, err error)
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Admitted == nil {
		o.Admitted = func(context.Context) {}
	}
	if o.WasAdmitted == nil {
		o.WasAdmitted = func(context.Context) bool { return false }
	}
	if o.Secure == nil {
		o.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	if o.Fault == nil {
		o.Fault = func(string, error) {}
	}
	o.MaxRequestBytes = cmp.Or(o.MaxRequestBytes, 1<<20)
	o.WatchdogInterval = cmp.Or(o.WatchdogInterval, 15*time.Second)
	o.StaleInterval = cmp.Or(o.StaleInterval, 8*time.Second)
	o.AcknowledgeInterval = cmp.Or(o.AcknowledgeInterval, 15*time.Second)
	return o
}

// Server is the services and their doors.
type Server struct {
	engine   Engine
	journal  *journal.Log
	feed     *feed.Feed
	hub      *push.Hub
	history  history.Store
	follower *history.Follower
	accounts *account.Service
	live     *live.Streams
	options  Options
	limits   *limiter

	arrivals arrivals
	costs    *wirecost.Table

	methods map[string]access
	table   []row
	// changing admits one change of a user at a time: each change starts from what
	// the previous one left.
	changing chan struct{}
}

// New returns the services over the parts of a server.
func New(deps Deps, options Options) *Server {
	return &Server{
		engine: deps.Engine, journal: deps.Journal, feed: deps.Feed, hub: deps.Hub,
		history: deps.History, follower: deps.Follower, accounts: deps.Accounts, live: deps.Live,
		options: options.withDefaults(), limits: newLimiter(options.Limits), costs: requestCosts(), methods: methods(), table: table(),
		changing: make(chan struct{}, 1),
	}
}

// Register puts the services on a server that was made with the options of
// [Server.Interceptors]. Around are interceptors, as [Server.Registrar] takes them.
func (s *Server) Register(r grpc.ServiceRegistrar, around ...grpc.UnaryServerInterceptor) {
	r = s.Registrar(r, around...)
	for _, desc := range descriptions() {
		r.RegisterService(desc, &services{Server: s})
	}
}
