// Package deadline is the one policy of how long a call of the API may take and
// whether it is sent again: [Of] for the client that sets the deadline and the
// server that imposes a cap where none came, [ServiceConfig] for any gRPC client.
// docs/timeouts.md gives the reason for every number.
//
// Everything here is constant; all of it may be called from anywhere.
package deadline

import "time"

// Policy is what holds for a method.
type Policy struct {
	// Client is the deadline that a client sets, renewing its token and sending
	// again included. Zero for none: a deadline on a stream cuts it.
	Client time.Duration
	// Server is what the server allows a call that came without a deadline; zero
	// for as long as it likes. It is longer than Client, so that of the two it is
	// the client's that ends a call, where the id to ask again with is known.
	Server time.Duration
	// Retried says that a client sends the call again by itself, at most twice and
	// on UNAVAILABLE alone.
	Retried bool
}

// Of returns the policy of a method by its full name, as in
// "/todoku.v1.OrderService/PlaceOrder"; false where nobody has decided.
func Of(method string) (Policy, bool) {
	for name, p := range every {
		if name == method {
			return p, true
		}
	}
	return Policy{}, false
}

// every yields each method with its policy. It is the table; a test compares it
// with the services.
func every(yield func(method string, p Policy) bool) {
	var (
		// read changes nothing and answers from memory.
		read = Policy{Client: 3 * time.Second, Server: 5 * time.Second, Retried: true}
		// write waits for a disk. Once more does no harm: the request carries an id,
		// or what it asks for is so already.
		write = Policy{Client: 8 * time.Second, Server: 10 * time.Second, Retried: true}
		// once is a write that would do harm: done, the old password is a wrong one,
		// and wrong ones lock the user out.
		once = Policy{Client: write.Client, Server: write.Server}
		// stream is watched by its heartbeats, and resumed, not retried.
		stream = Policy{}
	)
	for _, row := range [...]struct {
		method string
		Policy
	}{
		{"/todoku.v1.SessionService/Login", write},
		{"/todoku.v1.SessionService/OpenConnection", write},
		{"/todoku.v1.SessionService/RefreshSession", write},
		{"/todoku.v1.SessionService/Logout", write},
		{"/todoku.v1.SessionService/ChangePassword", once},
		{"/todoku.v1.SessionService/ListSessions", read},
		{"/todoku.v1.SessionService/RevokeSession", write},

		{"/todoku.v1.NotificationService/FeedNotification", stream},
		{"/todoku.v1.NotificationService/AcknowledgeNotifications", read},
		{"/todoku.v1.NotificationService/UpdateSubscription", write},
		{"/todoku.v1.NotificationService/ListNotifications", read},

		{"/todoku.v1.OrderService/PlaceOrder", write},
		{"/todoku.v1.OrderService/PlaceOrders", write},
		{"/todoku.v1.OrderService/ReplaceOrder", write},
		{"/todoku.v1.OrderService/CancelOrder", write},
		{"/todoku.v1.OrderService/MassCancelOrders", write},
		{"/todoku.v1.OrderService/GetOrder", read},
		{"/todoku.v1.OrderService/ListOrders", read},
		{"/todoku.v1.OrderService/ListExecutions", read},
		{"/todoku.v1.OrderService/ListPositions", read},

		{"/todoku.v1.MarketService/ListInstruments", read},
		{"/todoku.v1.MarketService/GetBook", read},
		{"/todoku.v1.MarketService/ListTrades", read},
		{"/todoku.v1.MarketService/ListUsers", read},

		{"/todoku.v1.AdminService/CreateUser", write},
		{"/todoku.v1.AdminService/UpdateUser", write},
		{"/todoku.v1.AdminService/ListAllUsers", read},
		{"/todoku.v1.AdminService/SuspendUser", write},
		{"/todoku.v1.AdminService/ResumeUser", write},
		{"/todoku.v1.AdminService/UpsertInstrument", write},
		{"/todoku.v1.AdminService/SetTradingStatus", write},
		{"/todoku.v1.AdminService/SetRiskLimits", write},
		{"/todoku.v1.AdminService/GetRiskLimits", read},
		{"/todoku.v1.AdminService/MassCancelForUser", write},
		{"/todoku.v1.AdminService/BustTrade", write},
		{"/todoku.v1.AdminService/Announce", write},
		{"/todoku.v1.AdminService/ListConnections", read},
		{"/todoku.v1.AdminService/DisconnectConnection", write},
		{"/todoku.v1.AdminService/ListAudit", read},
		{"/todoku.v1.AdminService/ListTold", read},
		{"/todoku.v1.AdminService/ExportJournal", stream},

		// What probes and generic clients ask, on the same server.
		{"/grpc.health.v1.Health/Check", read},
		{"/grpc.health.v1.Health/List", read},
		{"/grpc.health.v1.Health/Watch", stream},
		{"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", stream},
		{"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", stream},
	} {
		if !yield(row.method, row.Policy) {
			return
		}
	}
}
