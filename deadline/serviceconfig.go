package deadline

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// retries is what a call that may be sent again gets, and throttling what keeps
// the retries of all calls together from hammering a venue that is down (gRPC
// proposal A6, whose field names these are).
const (
	retries    = `{"maxAttempts":3,"initialBackoff":"0.1s","maxBackoff":"1s","backoffMultiplier":2,"retryableStatusCodes":["UNAVAILABLE"]}`
	throttling = `{"maxTokens":10,"tokenRatio":0.1}`
)

// The fields of a gRPC service config (grpc/service_config/service_config.proto)
// that the policy needs.
type (
	serviceConfig struct {
		MethodConfig    []methodConfig  `json:"methodConfig"`
		RetryThrottling json.RawMessage `json:"retryThrottling"`
	}
	methodConfig struct {
		Name        []methodName    `json:"name"`
		Timeout     string          `json:"timeout,omitempty"`
		RetryPolicy json.RawMessage `json:"retryPolicy,omitempty"`
	}
	methodName struct {
		Service string `json:"service,omitempty"`
		Method  string `json:"method,omitempty"`
	}
)

// ServiceConfig returns the policy as a gRPC service config in JSON, a name for
// every method of the API, for clients in any language. A timeout in it is the most
// that a call gets: of it and the caller's own deadline, gRPC takes the shorter.
func ServiceConfig() string {
	var order []Policy
	names := map[Policy][]methodName{}
	for _, m := range methods() {
		p, name := named(m)
		if names[p] == nil {
			order = append(order, p)
		}
		names[p] = append(names[p], name)
	}
	var groups []methodConfig
	for _, p := range order {
		groups = append(groups, p.config(names[p]...))
	}
	return encode(groups...)
}

// Retries returns the part of the service config that sends again, without a
// timeout, for a client that sets its deadlines by [Of] and lets its callers set
// longer ones.
func Retries() string {
	groups := []methodConfig{Policy{Retried: true}.config(methodName{})}
	for _, m := range methods() {
		if p, name := named(m); !p.Retried {
			groups = append(groups, Policy{}.config(name))
		}
	}
	return encode(groups...)
}

func named(m protoreflect.MethodDescriptor) (Policy, methodName) {
	name := methodName{Service: string(m.Parent().FullName()), Method: string(m.Name())}
	p, _ := Of("/" + name.Service + "/" + name.Method)
	return p, name
}

// config returns the policy for some methods.
func (p Policy) config(names ...methodName) methodConfig {
	c := methodConfig{Name: names}
	if p.Client > 0 {
		c.Timeout = fmt.Sprintf("%.0fs", p.Client.Seconds())
	}
	if p.Retried {
		c.RetryPolicy = json.RawMessage(retries)
	}
	return c
}

func encode(groups ...methodConfig) string {
	text, err := json.MarshalIndent(serviceConfig{groups, json.RawMessage(throttling)}, "", "  ")
	if err != nil {
		panic("deadline: " + err.Error()) //nolint:forbidigo // broken invariant: the constants above are JSON
	}
	return string(text)
}
