package server

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"todoku/engine"
	"todoku/push"
	"todoku/rpc"
	"todoku/trade"
)

// Traces follow a command from its call to its deliveries. Without Config.Tracing they
// cost nothing.
//
//	PlaceOrder              the call, child of the caller's traceparent (W3C)
//	├ engine.submit         in the engine's queue, decided, committed
//	├ engine.commit         from the decision until it was read back as durable
//	├ feed.publish          into the queues of all streams
//	└ push.deliver  ×n      until it was handed to each stream's transport
//
// The journal contains nothing of traces: replay must give the same bytes with and
// without them. Two tables find the trace of a command, first by its actor and then by
// its sequence. They are bounded; the trace of an entry that is dropped ends early.

const (
	// tracedCommands bounds the commands whose record the feed has not seen, and
	// tracedSequences those whose deliveries are awaited.
	tracedCommands  = 4096
	tracedSequences = 1024
	// tracedDeliveries bounds the spans of one command's deliveries.
	tracedDeliveries = 32
)

// tracing follows commands. Safe for concurrent use.
type tracing struct {
	tracer trace.Tracer

	waiting        atomic.Int64  // Commands in the first table.
	oldest, newest atomic.Uint64 // Of the sequences in the second; newest 0: none.

	mu        sync.Mutex // Protects what follows.
	commands  recent[trade.Actor]
	sequences recent[uint64]
}

// recent has the commands that were added last, up to a number of keys.
type recent[K comparable] struct {
	table map[K]*tracedCommand
	keys  []K // Those added last; the oldest is at next.
	next  int
}

func newRecent[K comparable](size int) recent[K] {
	return recent[K]{table: map[K]*tracedCommand{}, keys: make([]K, 0, size)}
}

// add adds a command, and drops the oldest if there is no room.
func (r *recent[K]) add(key K, command *tracedCommand) {
	if len(r.keys) < cap(r.keys) {
		r.keys = append(r.keys, key)
	} else {
		delete(r.table, r.keys[r.next])
		r.keys[r.next] = key
		r.next = (r.next + 1) % len(r.keys)
	}
	r.table[key] = command
}

// tracedCommand is a command with a sampled trace.
type tracedCommand struct {
	span      trace.SpanContext
	publish   trace.Span
	began     time.Time // When it was published.
	delivered int
}

// newTracing returns nil for nil. All methods of a nil tracing do nothing.
func newTracing(provider trace.TracerProvider, version string) *tracing {
	if provider == nil {
		return nil
	}
	return &tracing{
		tracer:    provider.Tracer("todoku", trace.WithInstrumentationVersion(version)),
		commands:  newRecent[trade.Actor](tracedCommands),
		sequences: newRecent[uint64](tracedSequences),
	}
}

// interceptor begins a span for a unary call.
func (t *tracing) interceptor(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		w3c, headers := propagation.TraceContext{}, propagation.MapCarrier{}
		for _, name := range w3c.Fields() {
			if values := md.Get(name); len(values) > 0 {
				headers[name] = values[0]
			}
		}
		ctx = w3c.Extract(ctx, headers)
	}
	service, method, _ := strings.Cut(strings.TrimPrefix(info.FullMethod, "/"), "/")
	ctx, span := t.tracer.Start(ctx, service+"/"+method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("rpc.system", "grpc"), attribute.String("rpc.service", service), attribute.String("rpc.method", method)))
	defer span.End()
	response, err := handler(ctx, request)
	if span.IsRecording() {
		code := status.Code(err)
		span.SetAttributes(attribute.Int("rpc.grpc.status_code", int(code)))
		if err != nil {
			span.SetStatus(codes.Error, code.String())
		}
	}
	return response, err
}

// engine returns the engine with its commands followed.
func (t *tracing) engine(e rpc.Engine) rpc.Engine {
	if t == nil {
		return e
	}
	return &tracedEngine{e, t}
}

type tracedEngine struct {
	rpc.Engine
	tracing *tracing
}

// Submit implements [rpc.Engine].
func (e *tracedEngine) Submit(ctx context.Context, command trade.Command) (trade.Answer, error) {
	results := e.SubmitAll(ctx, []trade.Command{command})
	return results[0].Answer, results[0].Err
}

// SubmitAll implements [rpc.Engine].
func (e *tracedEngine) SubmitAll(ctx context.Context, commands []trade.Command) []engine.Result {
	if !trace.SpanFromContext(ctx).IsRecording() || len(commands) == 0 {
		return e.Engine.SubmitAll(ctx, commands)
	}
	t := e.tracing
	of := trace.SpanContextFromContext(ctx)
	for _, command := range commands {
		t.enter(*command.From(), of)
	}
	ctx, span := t.tracer.Start(ctx, "engine.submit", trace.WithAttributes(
		attribute.String("todoku.command", trade.KindOf(commands[0]).String()), attribute.Int("todoku.commands", len(commands))))
	defer span.End()
	results := e.Engine.SubmitAll(ctx, commands)
	for i, command := range commands {
		if results[i].Err != nil {
			t.leave(*command.From())
			span.SetStatus(codes.Error, results[i].Err.Error())
		}
	}
	span.SetAttributes(attribute.Int64("todoku.sequence", int64(results[0].Answer.Sequence)))
	return results
}

// enter awaits the record of a command.
func (t *tracing) enter(actor trade.Actor, of trace.SpanContext) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.commands.add(actor, &tracedCommand{span: of})
	t.waiting.Store(int64(len(t.commands.table)))
}

// leave forgets a command that has no record.
func (t *tracing) leave(actor trade.Actor) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.commands.table, actor)
	t.waiting.Store(int64(len(t.commands.table)))
}

// publishing begins to follow the records of commands that were entered.
func (t *tracing) publishing(records []*trade.Record) {
	if t == nil || t.waiting.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for _, r := range records {
		c := t.commands.table[r.Command.Actor]
		if c == nil {
			continue
		}
		delete(t.commands.table, r.Command.Actor)
		sequence := trace.WithAttributes(attribute.Int64("todoku.sequence", int64(r.Sequence)))
		ctx := trace.ContextWithSpanContext(context.Background(), c.span)
		_, commit := t.tracer.Start(ctx, "engine.commit", trace.WithTimestamp(time.Unix(0, r.Time)), sequence)
		commit.End(trace.WithTimestamp(now))
		c.began = now
		_, c.publish = t.tracer.Start(ctx, "feed.publish", trace.WithTimestamp(now), sequence)
		t.sequences.add(r.Sequence, c)
		t.oldest.Store(t.sequences.keys[t.sequences.next])
		t.newest.Store(r.Sequence)
	}
	t.waiting.Store(int64(len(t.commands.table)))
}

// publication ends what publishing began.
func (t *tracing) publication(records []*trade.Record) {
	if t == nil || len(records) == 0 || t.newest.Load() < records[0].Sequence {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range records {
		if c := t.sequences.table[r.Sequence]; c != nil {
			c.publish.End()
		}
	}
}

// sending notes the deliveries in a response. It is called for every response; one
// without a traced sequence costs two atomic loads.
func (t *tracing) sending(to push.StreamName, r *push.Response) {
	if r.Cursor < t.oldest.Load() || r.Previous >= t.newest.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	last := uint64(0)
	for _, m := range r.Messages {
		c := t.sequences.table[m.Sequence]
		if c == nil || m.Key != "" || m.Sequence == last {
			continue
		}
		last = m.Sequence
		if c.delivered++; c.delivered > tracedDeliveries {
			continue
		}
		ctx := trace.ContextWithSpanContext(context.Background(), c.span)
		_, span := t.tracer.Start(ctx, "push.deliver", trace.WithTimestamp(c.began), trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
			attribute.Int64("todoku.sequence", int64(m.Sequence)), attribute.String("todoku.user", to.User),
			attribute.String("todoku.connection", short(to.Connection)), attribute.Int64("todoku.attach", int64(to.Attach)),
			attribute.Int64("todoku.response", int64(r.Number))))
		span.End()
	}
}
