// Package deadline reads from the schema how long a call of the API may take and
// whether it is sent again: [Of] is for the client, which sets the deadline, and for the
// server, which sets one for calls without; [ServiceConfig] is for any gRPC client. The
// numbers are options in proto/todoku/v1/options.proto; docs/timeouts.md has the reasons.
//
// All functions are safe for concurrent use.
package deadline

import (
	"cmp"
	"slices"
	"strings"
	"time"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	todokuv1 "todoku/gen/todoku/v1"
)

// Policy is the deadlines and the retry of a method.
type Policy struct {
	// Client is the deadline that a client sets, refreshing its token and sending again
	// included; zero for none, because a deadline would cut a stream.
	Client time.Duration
	// Server is the deadline of a call that arrives without one; zero for none.
	Server time.Duration
	// Retried says that a client sends the call again by itself, at most twice and only on
	// UNAVAILABLE.
	Retried bool
}

// Of returns the policy of a method by its full name, as in
// "/todoku.v1.OrderService/PlaceOrder"; false if the schema has none.
func Of(method string) (Policy, bool) {
	switch method {
	case healthv1.Health_Check_FullMethodName, healthv1.Health_List_FullMethodName:
		return policyOf(todokuv1.Call_CALL_READ)
	case healthv1.Health_Watch_FullMethodName:
		return Policy{}, true
	}
	service, name, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	if strings.HasPrefix(service, "grpc.reflection.") {
		return Policy{}, true
	}
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service + "." + name))
	if err != nil {
		return Policy{}, false
	}
	m, ok := found.(protoreflect.MethodDescriptor)
	if !ok {
		return Policy{}, false
	}
	call, _ := proto.GetExtension(m.Options(), todokuv1.E_Call).(todokuv1.Call)
	return policyOf(call)
}

// policyOf reads the policy of a kind of call; false if it has none.
func policyOf(call todokuv1.Call) (Policy, bool) {
	kind := call.Descriptor().Values().ByNumber(call.Number())
	if kind == nil || !proto.HasExtension(kind.Options(), todokuv1.E_Policy) {
		return Policy{}, false
	}
	policy, _ := proto.GetExtension(kind.Options(), todokuv1.E_Policy).(*todokuv1.CallPolicy)
	return Policy{
		Client:  time.Duration(policy.GetClientSeconds()) * time.Second,
		Server:  time.Duration(policy.GetServerSeconds()) * time.Second,
		Retried: policy.GetRetried(),
	}, true
}

// methods returns the methods of the API, by file and in the order of the schema.
func methods() []protoreflect.MethodDescriptor {
	var files []protoreflect.FileDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage("todoku.v1", func(file protoreflect.FileDescriptor) bool {
		files = append(files, file)
		return true
	})
	slices.SortFunc(files, func(a, b protoreflect.FileDescriptor) int { return cmp.Compare(a.Path(), b.Path()) })
	var all []protoreflect.MethodDescriptor
	for _, file := range files {
		for i := range file.Services().Len() {
			for j := range file.Services().Get(i).Methods().Len() {
				all = append(all, file.Services().Get(i).Methods().Get(j))
			}
		}
	}
	return all
}
