package apptest_test

import (
	"slices"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc/metadata"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// TestATraceLeadsFromTheCallersOwnSpanToEveryDelivery places an order under a
// caller's traceparent, whose report goes to two streams, and another order without a
// traceparent.
func TestATraceLeadsFromTheCallersOwnSpanToEveryDelivery(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())))
	app := serve(t, func(c *server.Config) { c.Tracing = provider })
	alice, rita := app.SignIn("alice"), app.SignIn("rita")
	streams := []*apptest.Stream{alice.Attach(&request{}), rita.Attach(&request{Subscription: &todokuv1.Subscription{AllAccounts: true}})}
	for _, s := range streams {
		s.Snapshot()
	}
	const traceID, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	ctx := metadata.AppendToOutgoingContext(t.Context(), "traceparent", "00-"+traceID+"-"+parent+"-01")
	reply, err := alice.Orders.PlaceOrder(ctx, apptest.Limit("followed", "USDJPY", todokuv1.Side_SIDE_BUY, "10", "150"))
	if err != nil {
		t.Fatal(err)
	}
	alice.Place(apptest.Limit("unknown", "USDJPY", todokuv1.Side_SIDE_BUY, "10", "150"))
	for _, s := range streams {
		s.Report("unknown", todokuv1.ExecType_EXEC_TYPE_NEW)
	}

	want := []string{"engine.commit", "engine.submit", "feed.publish", "push.deliver", "push.deliver", "todoku.v1.OrderService/PlaceOrder"}
	var names []string
	wantEventually(t, func() bool {
		names = names[:0]
		for _, span := range recorder.Ended() {
			names = append(names, span.Name())
		}
		slices.Sort(names)
		return slices.Equal(names, want)
	}, "the spans of one command and no other")
	var call string
	for _, span := range recorder.Ended() {
		if span.SpanContext().TraceID().String() != traceID {
			t.Errorf("%s is in another trace", span.Name())
		}
		if span.Parent().SpanID().String() == parent {
			call = span.SpanContext().SpanID().String()
		}
	}
	for _, span := range recorder.Ended() {
		if id := span.SpanContext().SpanID().String(); id != call && span.Parent().SpanID().String() != call {
			t.Errorf("%s is not a child of the call", span.Name())
		}
		if span.EndTime().Before(span.StartTime()) {
			t.Errorf("%s ended before it began", span.Name())
		}
		for _, a := range span.Attributes() {
			if a.Key == "todoku.sequence" && uint64(a.Value.AsInt64()) != reply.GetAnswer().GetSequence() {
				t.Errorf("%s is about sequence %v", span.Name(), a.Value.AsInt64())
			}
		}
	}
}
