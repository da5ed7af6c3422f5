package rpc

import (
	"fmt"
	"time"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"todoku/deadline"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// The schema says of every method who may call it and how long a call may take
// (options.proto). A method without these options is refused.

// audience says who may call a method.
type audience struct {
	// public methods need no token.
	public bool
	// roles are those of which the caller needs one; zero for anyone signed in.
	roles trade.Role
	// limit is the deadline of a call that came without one; zero for none.
	limit time.Duration
}

// methods returns the audience of every method by its full name, as in
// "/todoku.v1.OrderService/PlaceOrder". Whose orders and accounts a caller may touch
// is decided where they are named, by ownership.
func methods() map[string]audience {
	table := map[string]audience{}
	for _, name := range []string{ // What probes and generic clients call, on the same server.
		healthv1.Health_Check_FullMethodName,
		healthv1.Health_List_FullMethodName,
		healthv1.Health_Watch_FullMethodName,
		reflectionv1.ServerReflection_ServerReflectionInfo_FullMethodName,
		reflectionv1alpha.ServerReflection_ServerReflectionInfo_FullMethodName,
	} {
		table[name] = audience{public: true}
	}
	for _, file := range []protoreflect.FileDescriptor{
		todokuv1.File_todoku_v1_admin_proto, todokuv1.File_todoku_v1_market_proto, todokuv1.File_todoku_v1_notification_proto,
		todokuv1.File_todoku_v1_order_proto, todokuv1.File_todoku_v1_session_proto,
	} {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				if a, ok := audienceOf(method); ok {
					table[fmt.Sprintf("/%s/%s", service.FullName(), method.Name())] = a
				}
			}
		}
	}
	for name, a := range table {
		policy, ok := deadline.Of(name)
		if !ok {
			delete(table, name)
			continue
		}
		a.limit = policy.Server
		table[name] = a
	}
	return table
}

// audienceOf reads who may call a method; false where the schema does not decide.
func audienceOf(method protoreflect.MethodDescriptor) (audience, bool) {
	access, _ := proto.GetExtension(method.Options(), todokuv1.E_Access).(todokuv1.Access)
	switch access {
	case todokuv1.Access_ACCESS_UNSPECIFIED:
		return audience{}, false
	case todokuv1.Access_ACCESS_PUBLIC:
		return audience{public: true}, true
	case todokuv1.Access_ACCESS_SIGNED_IN:
		return audience{}, true
	case todokuv1.Access_ACCESS_TRADER, todokuv1.Access_ACCESS_CANCEL, todokuv1.Access_ACCESS_STAFF, todokuv1.Access_ACCESS_ADMIN:
	}
	value := access.Descriptor().Values().ByNumber(access.Number())
	if value == nil {
		return audience{}, false // Of a later schema.
	}
	allowed, _ := proto.GetExtension(value.Options(), todokuv1.E_Allowed).(*todokuv1.RoleSet)
	var a audience
	for _, role := range allowed.GetRoles() {
		bit, _ := roleBit(role)
		a.roles |= bit
	}
	return a, a.roles != 0
}
