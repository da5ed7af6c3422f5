package rpc

import (
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/history"
	"todoku/push"
)

// services implements every service over one server. Embedded types answer
// the methods that it lacks with UNIMPLEMENTED.
type services struct {
	*Server
	todokuv1.UnimplementedSessionServiceServer
	todokuv1.UnimplementedNotificationServiceServer
	todokuv1.UnimplementedOrderServiceServer
	todokuv1.UnimplementedMarketServiceServer
	todokuv1.UnimplementedAdminServiceServer
}

// descriptions returns what gRPC needs to know of the services.
func descriptions() []*grpc.ServiceDesc {
	return []*grpc.ServiceDesc{
		&todokuv1.SessionService_ServiceDesc, &todokuv1.NotificationService_ServiceDesc,
		&todokuv1.OrderService_ServiceDesc, &todokuv1.MarketService_ServiceDesc,
		&todokuv1.AdminService_ServiceDesc,
	}
}

// reply returns the response of a call, or nil with the error that ended it.
func reply[R any](response *R, err error) (*R, error) {
	if err != nil {
		return nil, err
	}
	return response, nil
}

// messages converts each item to its message.
func messages[T, M any](items []T, message func(*T) *M) []*M {
	list := make([]*M, 0, len(items))
	for i := range items {
		list = append(list, message(&items[i]))
	}
	return list
}

// answerBytes bounds the items of a list in one answer. gRPC clients refuse an answer of
// more than 4 MiB unless they are told otherwise.
const answerBytes = push.FragmentBytes

// fitting converts the items that fit into one answer: the first of them, at least one.
func fitting[T any, M any, P interface {
	*M
	proto.Message
}](items []T, message func(*T) P) []P {
	list := make([]P, 0, len(items))
	bytes := 0
	for i := range items {
		m := message(&items[i])
		if bytes += itemBytes(m); bytes > answerBytes && i > 0 {
			break
		}
		list = append(list, m)
	}
	return list
}

// itemBytes is the size of an item in its list, with tag and length.
func itemBytes(m proto.Message) int { return 1 + protowire.SizeBytes(proto.Size(m)) }

// fittingPage converts the items of a page that fit into one answer, and returns the
// token of the next page. key is that of an item.
func fittingPage[T any, M any, P interface {
	*M
	proto.Message
}](page history.Page[T], q history.Query, message func(*T) P, key func(*T) uint64) ([]P, string) {
	list := fitting(page.Items, message)
	if n := len(list); n < len(page.Items) {
		page.Next = history.NextPage(q, key(&page.Items[n-1]))
	}
	return list, page.Next
}
