package rpc

import (
	"google.golang.org/grpc"

	todokuv1 "todoku/gen/todoku/v1"
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
