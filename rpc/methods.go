package rpc

import (
	"fmt"
	"time"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"todoku/deadline"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/rpc/wirecost"
	"todoku/trade"
)

// The schema says for every method who may call it and how long a call may take
// (options.proto). A method without these options is refused.

// access says who may call a method.
type access struct {
	// public methods need no token.
	public bool
	// roles: the caller needs one of these; zero for any signed-in caller.
	roles trade.Role
	// streaming methods answer with a stream.
	streaming bool
	// limit is the deadline of a call that came without one; zero for none.
	limit time.Duration
}

// methods returns the access of every method by its full name, as in
// "/todoku.v1.OrderService/PlaceOrder". Which orders and accounts a caller may use
// depends on ownership, and is checked where a request names them.
func methods() map[string]access {
	table := map[string]access{}
	add := func(name string, a access) {
		if policy, ok := deadline.Of(name); ok {
			a.limit = policy.Server
			table[name] = a
		}
	}
	for _, name := range []string{ // For probes and generic clients, on the same server.
		healthv1.Health_Check_FullMethodName,
		healthv1.Health_List_FullMethodName,
		healthv1.Health_Watch_FullMethodName,
		reflectionv1.ServerReflection_ServerReflectionInfo_FullMethodName,
		reflectionv1alpha.ServerReflection_ServerReflectionInfo_FullMethodName,
	} {
		add(name, access{public: true})
	}
	protoregistry.GlobalFiles.RangeFilesByPackage("todoku.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				if a, ok := accessOf(method); ok {
					a.streaming = method.IsStreamingServer()
					add(fmt.Sprintf("/%s/%s", service.FullName(), method.Name()), a)
				}
			}
		}
		return true
	})
	return table
}

// requestCosts returns what requests of the services cost when they are decoded.
func requestCosts() *wirecost.Table {
	var requests []protoreflect.MessageDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage("todoku.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				requests = append(requests, methods.Get(j).Input())
			}
		}
		return true
	})
	return wirecost.New(requests...)
}

// accessOf reads who may call a method; false where the schema does not say, or where
// the value belongs to a later schema.
func accessOf(method protoreflect.MethodDescriptor) (a access, ok bool) {
	value, _ := proto.GetExtension(method.Options(), todokuv1.E_Access).(todokuv1.Access)
	switch value {
	case todokuv1.Access_ACCESS_UNSPECIFIED:
		return a, false
	case todokuv1.Access_ACCESS_PUBLIC:
		return access{public: true}, true
	case todokuv1.Access_ACCESS_SIGNED_IN:
		return a, true
	case todokuv1.Access_ACCESS_TRADER, todokuv1.Access_ACCESS_CANCEL, todokuv1.Access_ACCESS_STAFF, todokuv1.Access_ACCESS_ADMIN:
	}
	if d := value.Descriptor().Values().ByNumber(value.Number()); d != nil {
		allowed, _ := proto.GetExtension(d.Options(), todokuv1.E_Allowed).(*todokuv1.RoleSet)
		for _, role := range allowed.GetRoles() {
			a.roles |= roleBit(role)
		}
	}
	return a, a.roles != 0
}
