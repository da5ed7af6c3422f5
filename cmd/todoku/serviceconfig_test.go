package main

import (
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func TestGRPCAcceptsThePrintedServiceConfig(t *testing.T) {
	text := newWorld(t).must("config", "service-config")
	contains(t, text, `"FeedNotification"`, `"timeout": "3s"`, `"timeout": "8s"`, `"retryThrottling"`)
	conn, err := grpc.NewClient("passthrough:///nowhere", grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}
