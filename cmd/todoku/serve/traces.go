package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"todoku/cmd/todoku/cli"
)

type traceOptions struct {
	endpoint string
	perMille uint32
}

// tracesTimeout bounds the sending of the last spans when the server stops.
const tracesTimeout = 5 * time.Second

// traces returns what makes and sends spans, and a function that ends it. The provider is
// nil if neither --otlp-endpoint nor a variable of OpenTelemetry names a collector.
func traces(ctx context.Context, a *cli.App, o *traceOptions, logger *slog.Logger) (provider *sdktrace.TracerProvider, end func(), err error) {
	named := o.endpoint
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		if named == "" {
			named, _ = a.LookupEnv(variable)
		}
	}
	if named == "" {
		return nil, func() {}, nil
	}
	if !strings.Contains(named, "://") {
		named = "http://" + named
	}
	if u, err := url.Parse(named); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, nil, cli.Usagef("invalid --otlp-endpoint %q: write host:port, or an http:// or https:// address", named)
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(named))
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	// The venue runs on without its collector, but the log must show it.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		logger.WarnContext(ctx, "traces not sent", slog.Any("error", err))
	}))
	provider = sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(float64(o.perMille)/1000))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "todoku"), attribute.String("service.version", cli.Version()))),
	)
	return provider, func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), tracesTimeout)
		defer cancel()
		if err := provider.Shutdown(ending); err != nil {
			logger.WarnContext(ctx, "the last traces were not sent", slog.Any("error", err))
		}
	}, nil
}
