package server

import (
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"todoku/push"
	"todoku/trade"
)

func TestRecordsWithoutATraceCauseNoAllocation(t *testing.T) {
	records := []*trade.Record{{Sequence: 7, Time: time.Now().UnixNano(), Command: trade.CommandInfo{Actor: trade.Actor{User: "alice", Request: "r"}}}}
	response := &push.Response{Cursor: 7, Previous: 6, Messages: []*push.Message{{Sequence: 7}}}
	provider := sdktrace.NewTracerProvider()
	for name, tracer := range map[string]*tracing{"off": newTracing(nil, ""), "on": newTracing(provider, "")} {
		if n := testing.AllocsPerRun(100, func() {
			tracer.publishing(records)
			tracer.publication(records)
			if tracer != nil {
				tracer.sending(push.StreamName{}, response)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations for a record without a trace", name, n)
		}
	}
}

func TestTracesDropTheOldestCommandsAndSequences(t *testing.T) {
	tracer := newTracing(sdktrace.NewTracerProvider(), "")
	const many = 3 * tracedCommands
	for sequence := range uint64(many) {
		actor := trade.Actor{Request: trade.RequestID(time.Duration(sequence).String())}
		_, span := tracer.tracer.Start(t.Context(), "call")
		tracer.enter(actor, span.SpanContext())
		if sequence%2 == 0 {
			tracer.publishing([]*trade.Record{{Sequence: sequence + 1, Command: trade.CommandInfo{Actor: actor}}})
		}
	}
	if len(tracer.commands.table) > tracedCommands || len(tracer.sequences.table) != tracedSequences {
		t.Errorf("%d commands and %d sequences are kept", len(tracer.commands.table), len(tracer.sequences.table))
	}
	if oldest, newest := tracer.oldest.Load(), tracer.newest.Load(); newest-oldest != 2*(tracedSequences-1) {
		t.Errorf("from %d to %d", oldest, newest)
	}
}
