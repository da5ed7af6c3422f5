package rpc

import (
	"google.golang.org/grpc"

	todokuv1 "todoku/gen/todoku/v1"
)

// The services, a type each over the same server. A method that one of them
// lacks is answered by what it embeds: unimplemented.

type sessionService struct {
	todokuv1.UnimplementedSessionServiceServer
	*Server
}

type notificationService struct {
	todokuv1.UnimplementedNotificationServiceServer
	*Server
}

type orderService struct {
	todokuv1.UnimplementedOrderServiceServer
	*Server
}

type marketService struct {
	todokuv1.UnimplementedMarketServiceServer
	*Server
}

type adminService struct {
	todokuv1.UnimplementedAdminServiceServer
	*Server
}

// service is an implementation and what gRPC must know of it.
type service struct {
	desc           *grpc.ServiceDesc
	implementation any
}

func (s *Server) services() []service {
	return []service{
		{&todokuv1.SessionService_ServiceDesc, &sessionService{Server: s}},
		{&todokuv1.NotificationService_ServiceDesc, &notificationService{Server: s}},
		{&todokuv1.OrderService_ServiceDesc, &orderService{Server: s}},
		{&todokuv1.MarketService_ServiceDesc, &marketService{Server: s}},
		{&todokuv1.AdminService_ServiceDesc, &adminService{Server: s}},
	}
}
