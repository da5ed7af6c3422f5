package rpc

import (
	"time"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// One table says of every method who may call it and how long it may take. A
// method that is not in it is refused, so that nobody can forget to decide.

// Server caps: what a call gets whose client named no deadline.
const (
	readCap  = 5 * time.Second
	writeCap = 10 * time.Second
	// noCap is for streams: a deadline on one cuts it.
	noCap = time.Duration(0)
)

// audience says who may call a method.
type audience struct {
	// public methods need no token.
	public bool
	// roles are those of which the caller needs one; zero for anyone signed in.
	roles trade.Role
}

// method is one row of the table.
type method struct {
	audience
	limit time.Duration
}

// methods returns the table, by full method name. Whose orders and accounts a
// caller may touch is decided where they are named, by ownership.
func methods() map[string]method {
	var (
		public = audience{public: true}
		anyone = audience{}
		trader = audience{roles: trade.RoleTrader}
		// Whoever may cancel: staff for any account, traders for their own.
		cancels = audience{roles: trade.RoleTrader | trade.RoleRisk | trade.RoleAdmin}
		staff   = audience{roles: trade.RoleRisk | trade.RoleAdmin}
		admin   = audience{roles: trade.RoleAdmin}
	)
	return map[string]method{
		todokuv1.SessionService_Login_FullMethodName:          {public, writeCap},
		todokuv1.SessionService_RefreshSession_FullMethodName: {public, writeCap},
		todokuv1.SessionService_OpenConnection_FullMethodName: {anyone, writeCap},
		todokuv1.SessionService_Logout_FullMethodName:         {anyone, writeCap},
		todokuv1.SessionService_ChangePassword_FullMethodName: {anyone, writeCap},
		todokuv1.SessionService_ListSessions_FullMethodName:   {anyone, readCap},
		todokuv1.SessionService_RevokeSession_FullMethodName:  {anyone, writeCap},

		todokuv1.NotificationService_FeedNotification_FullMethodName:         {anyone, noCap},
		todokuv1.NotificationService_AcknowledgeNotifications_FullMethodName: {anyone, readCap},
		todokuv1.NotificationService_UpdateSubscription_FullMethodName:       {anyone, writeCap},
		todokuv1.NotificationService_ListNotifications_FullMethodName:        {anyone, readCap},

		todokuv1.OrderService_PlaceOrder_FullMethodName:       {trader, writeCap},
		todokuv1.OrderService_PlaceOrders_FullMethodName:      {trader, writeCap},
		todokuv1.OrderService_ReplaceOrder_FullMethodName:     {trader, writeCap},
		todokuv1.OrderService_CancelOrder_FullMethodName:      {cancels, writeCap},
		todokuv1.OrderService_MassCancelOrders_FullMethodName: {cancels, writeCap},
		todokuv1.OrderService_GetOrder_FullMethodName:         {anyone, readCap},
		todokuv1.OrderService_ListOrders_FullMethodName:       {anyone, readCap},
		todokuv1.OrderService_ListExecutions_FullMethodName:   {anyone, readCap},
		todokuv1.OrderService_ListPositions_FullMethodName:    {anyone, readCap},

		todokuv1.MarketService_ListInstruments_FullMethodName: {anyone, readCap},
		todokuv1.MarketService_GetBook_FullMethodName:         {anyone, readCap},
		todokuv1.MarketService_ListTrades_FullMethodName:      {anyone, readCap},
		todokuv1.MarketService_ListUsers_FullMethodName:       {anyone, readCap},

		todokuv1.AdminService_CreateUser_FullMethodName:           {admin, writeCap},
		todokuv1.AdminService_UpdateUser_FullMethodName:           {admin, writeCap},
		todokuv1.AdminService_ListAllUsers_FullMethodName:         {staff, readCap},
		todokuv1.AdminService_SuspendUser_FullMethodName:          {admin, writeCap},
		todokuv1.AdminService_ResumeUser_FullMethodName:           {admin, writeCap},
		todokuv1.AdminService_UpsertInstrument_FullMethodName:     {admin, writeCap},
		todokuv1.AdminService_SetTradingStatus_FullMethodName:     {staff, writeCap},
		todokuv1.AdminService_SetRiskLimits_FullMethodName:        {staff, writeCap},
		todokuv1.AdminService_GetRiskLimits_FullMethodName:        {staff, readCap},
		todokuv1.AdminService_MassCancelForUser_FullMethodName:    {staff, writeCap},
		todokuv1.AdminService_BustTrade_FullMethodName:            {admin, writeCap},
		todokuv1.AdminService_Announce_FullMethodName:             {admin, writeCap},
		todokuv1.AdminService_ListConnections_FullMethodName:      {staff, readCap},
		todokuv1.AdminService_DisconnectConnection_FullMethodName: {admin, writeCap},
		todokuv1.AdminService_ListAudit_FullMethodName:            {staff, readCap},
		todokuv1.AdminService_ExportJournal_FullMethodName:        {admin, noCap},

		// What probes and generic clients ask, on the same server.
		"/grpc.health.v1.Health/Check":                                   {public, readCap},
		"/grpc.health.v1.Health/List":                                    {public, readCap},
		"/grpc.health.v1.Health/Watch":                                   {public, noCap},
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      {public, noCap},
		"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": {public, noCap},
	}
}
