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

// Traces are switched on by naming a collector: with --otlp-endpoint, or by the
// variables that OpenTelemetry has for every program; the flag wins.

// traceOptions are the settings of traces.
type traceOptions struct {
	endpoint string
	perMille uint32
}

// tracesTimeout bounds the sending of what is left when the server stops.
const tracesTimeout = 5 * time.Second

// otlpVariables are OpenTelemetry's own names of a collector.
var otlpVariables = [...]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} //nolint:gochecknoglobals // A constant that Go cannot write as one.

// traces returns what makes and sends spans, and what ends it; nil if no collector
// is named.
func traces(ctx context.Context, a *cli.App, o *traceOptions, logger *slog.Logger) (provider *sdktrace.TracerProvider, end func(), err error) {
	named := o.endpoint
	for _, variable := range otlpVariables {
		if named == "" {
			named, _ = a.LookupEnv(variable)
		}
	}
	if named == "" {
		return nil, func() {}, nil
	}
	if !strings.Contains(named, "://") {
		named = "http://" + named // Without a scheme it is a collector beside the server.
	}
	if u, err := url.Parse(named); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, nil, cli.Usagef("--otlp-endpoint %q is no host:port, http:// or https:// address", named)
	}
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(named))
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	// A collector that is away is no reason to stop, nor to be silent about.
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
