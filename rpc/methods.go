package rpc

import (
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// One table says of every method who may call it. A method that is not in it is
// refused, so that nobody can forget to decide. How long a call may take is package
// deadline's to say.

// audience says who may call a method.
type audience struct {
	// public methods need no token.
	public bool
	// roles are those of which the caller needs one; zero for anyone signed in.
	roles trade.Role
}

// methods returns the table, by full method name. Whose orders and accounts a
// caller may touch is decided where they are named, by ownership.
func methods() map[string]audience {
	var (
		public = audience{public: true}
		anyone = audience{}
		trader = audience{roles: trade.RoleTrader}
		// Whoever may cancel: staff for any account, traders for their own.
		cancels = audience{roles: trade.RoleTrader | trade.RoleRisk | trade.RoleAdmin}
		staff   = audience{roles: trade.RoleRisk | trade.RoleAdmin}
		admin   = audience{roles: trade.RoleAdmin}
	)
	return map[string]audience{
		todokuv1.SessionService_Login_FullMethodName:          public,
		todokuv1.SessionService_RefreshSession_FullMethodName: public,
		todokuv1.SessionService_OpenConnection_FullMethodName: anyone,
		todokuv1.SessionService_Logout_FullMethodName:         anyone,
		todokuv1.SessionService_ChangePassword_FullMethodName: anyone,
		todokuv1.SessionService_ListSessions_FullMethodName:   anyone,
		todokuv1.SessionService_RevokeSession_FullMethodName:  anyone,

		todokuv1.NotificationService_FeedNotification_FullMethodName:         anyone,
		todokuv1.NotificationService_AcknowledgeNotifications_FullMethodName: anyone,
		todokuv1.NotificationService_UpdateSubscription_FullMethodName:       anyone,
		todokuv1.NotificationService_ListNotifications_FullMethodName:        anyone,

		todokuv1.OrderService_PlaceOrder_FullMethodName:       trader,
		todokuv1.OrderService_PlaceOrders_FullMethodName:      trader,
		todokuv1.OrderService_ReplaceOrder_FullMethodName:     trader,
		todokuv1.OrderService_CancelOrder_FullMethodName:      cancels,
		todokuv1.OrderService_MassCancelOrders_FullMethodName: cancels,
		todokuv1.OrderService_GetOrder_FullMethodName:         anyone,
		todokuv1.OrderService_ListOrders_FullMethodName:       anyone,
		todokuv1.OrderService_ListExecutions_FullMethodName:   anyone,
		todokuv1.OrderService_ListPositions_FullMethodName:    anyone,

		todokuv1.MarketService_ListInstruments_FullMethodName: anyone,
		todokuv1.MarketService_GetBook_FullMethodName:         anyone,
		todokuv1.MarketService_ListTrades_FullMethodName:      anyone,
		todokuv1.MarketService_ListUsers_FullMethodName:       anyone,

		todokuv1.AdminService_CreateUser_FullMethodName:           admin,
		todokuv1.AdminService_UpdateUser_FullMethodName:           admin,
		todokuv1.AdminService_ListAllUsers_FullMethodName:         staff,
		todokuv1.AdminService_SuspendUser_FullMethodName:          admin,
		todokuv1.AdminService_ResumeUser_FullMethodName:           admin,
		todokuv1.AdminService_UpsertInstrument_FullMethodName:     admin,
		todokuv1.AdminService_SetTradingStatus_FullMethodName:     staff,
		todokuv1.AdminService_SetRiskLimits_FullMethodName:        staff,
		todokuv1.AdminService_GetRiskLimits_FullMethodName:        staff,
		todokuv1.AdminService_MassCancelForUser_FullMethodName:    staff,
		todokuv1.AdminService_BustTrade_FullMethodName:            admin,
		todokuv1.AdminService_Announce_FullMethodName:             admin,
		todokuv1.AdminService_ListConnections_FullMethodName:      staff,
		todokuv1.AdminService_DisconnectConnection_FullMethodName: admin,
		todokuv1.AdminService_ListAudit_FullMethodName:            staff,
		todokuv1.AdminService_ListTold_FullMethodName:             admin,
		todokuv1.AdminService_ExportJournal_FullMethodName:        admin,

		// What probes and generic clients ask, on the same server.
		"/grpc.health.v1.Health/Check":                                   public,
		"/grpc.health.v1.Health/List":                                    public,
		"/grpc.health.v1.Health/Watch":                                   public,
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      public,
		"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": public,
	}
}
