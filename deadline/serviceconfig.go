package deadline

import (
	"encoding/json"
	"fmt"
	"slices"
)

// retries is the retry policy of a call that may be sent again. throttling limits the
// retries of all calls together while a venue is down. Both are of gRPC proposal A6.
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
		policy      Policy
		Name        []methodName    `json:"name"`
		Timeout     string          `json:"timeout,omitempty"`
		RetryPolicy json.RawMessage `json:"retryPolicy,omitempty"`
	}
	methodName struct {
		Service string `json:"service"`
		Method  string `json:"method"`
	}
)

// ServiceConfig returns the policy as a gRPC service config in JSON, a name for
// every method of the API, for clients in any language. gRPC uses the shorter
// one of the timeout in it and the caller's own deadline.
func ServiceConfig() string { return config(true) }

// Retries returns the part of the service config that sends again, without a
// timeout, for a client that sets its deadlines by [Of] and lets its callers set
// longer ones.
func Retries() string { return config(false) }

// config groups the methods by their policy.
func config(timeouts bool) string {
	var groups []methodConfig
	for _, m := range methods() {
		name := methodName{string(m.Parent().FullName()), string(m.Name())}
		p, _ := Of("/" + name.Service + "/" + name.Method)
		if !timeouts {
			p = Policy{Retried: p.Retried}
		}
		i := slices.IndexFunc(groups, func(g methodConfig) bool { return g.policy == p })
		if i < 0 {
			i = len(groups)
			groups = append(groups, p.config())
		}
		groups[i].Name = append(groups[i].Name, name)
	}
	text, err := json.MarshalIndent(serviceConfig{groups, json.RawMessage(throttling)}, "", "  ")
	if err != nil {
		panic("deadline: " + err.Error()) //nolint:forbidigo // broken invariant: the constants above are JSON
	}
	return string(text)
}

// config returns the policy for methods that are still to be named.
func (p Policy) config() methodConfig {
	c := methodConfig{policy: p}
	if p.Client > 0 {
		c.Timeout = fmt.Sprintf("%.0fs", p.Client.Seconds())
	}
	if p.Retried {
		c.RetryPolicy = json.RawMessage(retries)
	}
	return c
}
