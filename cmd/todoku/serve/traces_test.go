package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"todoku/cmd/todoku/cli"
	"todoku/internal/apptest"
)

// traceSink is a collector that keeps what it receives.
type traceSink struct {
	collector.UnimplementedTraceServiceServer
	got chan *collector.ExportTraceServiceRequest
}

func (s *traceSink) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	s.got <- r
	return &collector.ExportTraceServiceResponse{}, nil
}

func TestTracesReachTheCollectorThatIsNamed(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sink := &traceSink{got: make(chan *collector.ExportTraceServiceRequest, 1)}
	s := grpc.NewServer()
	collector.RegisterTraceServiceServer(s, sink)
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	defer func() {
		s.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()

	logger := slog.New(slog.DiscardHandler)
	for name, c := range map[string]struct {
		options     traceOptions
		environment string
	}{
		"by the flag":        {traceOptions{listener.Addr().String(), 1000}, ""},
		"by the environment": {traceOptions{"", 1000}, "http://" + listener.Addr().String()},
	} {
		t.Run(name, func(t *testing.T) {
			a := &cli.App{LookupEnv: func(string) (string, bool) { return c.environment, c.environment != "" }}
			provider, end, err := traces(t.Context(), a, &c.options, logger)
			if err != nil || provider == nil {
				t.Fatal(provider, err)
			}
			_, span := provider.Tracer("test").Start(t.Context(), "a span")
			span.End()
			end()
			patience, cancel := context.WithTimeout(t.Context(), apptest.Patience)
			defer cancel()
			select {
			case request := <-sink.got:
				spans := request.GetResourceSpans()[0]
				if got := spans.GetScopeSpans()[0].GetSpans()[0].GetName(); got != "a span" {
					t.Errorf("sent %q", got)
				}
				if len(spans.GetResource().GetAttributes()) == 0 {
					t.Error("the spans do not name their service")
				}
			case <-patience.Done():
				t.Fatal("no span arrived")
			}
		})
	}

	a := &cli.App{LookupEnv: func(string) (string, bool) { return "", false }}
	if provider, end, err := traces(t.Context(), a, &traceOptions{}, logger); provider != nil || err != nil {
		t.Errorf("traces without a collector: %v, %v", provider, err)
	} else {
		end()
	}
	var usage *cli.UsageError
	if _, _, err := traces(t.Context(), a, &traceOptions{endpoint: "ftp://nowhere"}, logger); !errors.As(err, &usage) {
		t.Errorf("accepted an ftp address: %v", err)
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
