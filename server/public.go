package server

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"

	"todoku/door"
)

// Health checks and reflection need no token, so a connection has few of their streams.
// A connection that is used for health checks only is kept, within limits (package door);
// one that is used for reflection only ends like any other that nobody was admitted over.

// registerPublic puts the services that are for anybody on a server. Unary methods go to
// the registrar.
func registerPublic(server *grpc.Server, unary grpc.ServiceRegistrar, state *health.Server) {
	healthv1.RegisterHealthServer(unary, publicHealth{state})
	options := reflection.ServerOptions{Services: server}
	reflectionv1.RegisterServerReflectionServer(server, publicReflection{reflection.NewServerV1(options)})
	reflectionv1alpha.RegisterServerReflectionServer(server, publicReflectionAlpha{reflection.NewServer(options)})
}

// public runs a stream that needs no token.
func public(ctx context.Context, watch bool, run func() error) error {
	leave, ok := door.PublicStream(ctx, watch)
	if !ok {
		return status.Error(codes.ResourceExhausted, "too many health watches and reflection streams on this connection; end one first")
	}
	defer leave()
	return run()
}

type publicHealth struct{ *health.Server }

// Check answers one health check.
func (h publicHealth) Check(ctx context.Context, request *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse, error) {
	door.Probed(ctx)
	return h.Server.Check(ctx, request)
}

// List answers the health of all services.
func (h publicHealth) List(ctx context.Context, request *healthv1.HealthListRequest) (*healthv1.HealthListResponse, error) {
	door.Probed(ctx)
	return h.Server.List(ctx, request)
}

// Watch sends the health until the client goes.
func (h publicHealth) Watch(request *healthv1.HealthCheckRequest, stream healthv1.Health_WatchServer) error {
	return public(stream.Context(), true, func() error { return h.Server.Watch(request, stream) })
}

type publicReflection struct {
	reflectionv1.ServerReflectionServer
}

// ServerReflectionInfo answers questions about the schema.
func (r publicReflection) ServerReflectionInfo(stream reflectionv1.ServerReflection_ServerReflectionInfoServer) error {
	return public(stream.Context(), false, func() error { return r.ServerReflectionServer.ServerReflectionInfo(stream) })
}

type publicReflectionAlpha struct {
	reflectionv1alpha.ServerReflectionServer
}

// ServerReflectionInfo answers questions about the schema.
func (r publicReflectionAlpha) ServerReflectionInfo(stream reflectionv1alpha.ServerReflection_ServerReflectionInfoServer) error {
	return public(stream.Context(), false, func() error { return r.ServerReflectionServer.ServerReflectionInfo(stream) })
}
