package rpc

import (
	"errors"
	"strings"
	"testing"
	"time"

	"todoku/deadline"
	"todoku/trade"
)

// described returns every method of the services, and whether it is a stream.
func described(t *testing.T) map[string]bool {
	t.Helper()
	streams := map[string]bool{}
	for _, desc := range descriptions() {
		for _, m := range desc.Methods {
			streams["/"+desc.ServiceName+"/"+m.MethodName] = false
		}
		for _, m := range desc.Streams {
			streams["/"+desc.ServiceName+"/"+m.StreamName] = true
		}
	}
	return streams
}

func TestEveryMethodHasAccessAndDeadline(t *testing.T) {
	table := methods()
	offered := described(t)
	for name := range offered {
		if _, ok := table[name]; !ok {
			t.Errorf("%s is not in the table", name)
		}
	}
	for name := range table {
		if _, ok := deadline.Of(name); !ok {
			t.Errorf("%s has no deadline in the schema", name)
		}
	}
	for name := range table {
		if _, ok := offered[name]; !ok && strings.HasPrefix(name, "/todoku.") {
			t.Errorf("%s is only in the table", name)
		}
	}
}

func TestAMethodOutsideTheTableIsRefused(t *testing.T) {
	_, _, err := newTestServer().admit(t.Context(), call{method: "/todoku.v1.AdminService/Forgotten"})
	if !errors.Is(err, errUndecided) {
		t.Errorf("got %v", err)
	}
}

func TestWhoMayCallWhat(t *testing.T) {
	table := methods()
	may := func(name string, role trade.Role) bool {
		m, ok := table["/todoku.v1."+name]
		if !ok {
			t.Fatalf("no method %s", name)
		}
		return m.public || m.roles == 0 || role.Has(m.roles)
	}
	for _, c := range []struct {
		method                      string
		trader, viewer, risk, admin bool
	}{
		{"SessionService/Login", true, true, true, true},
		{"SessionService/Logout", true, true, true, true},
		{"NotificationService/FeedNotification", true, true, true, true},
		{"OrderService/PlaceOrder", true, false, false, false},
		{"OrderService/PlaceOrders", true, false, false, false},
		{"OrderService/ReplaceOrder", true, false, false, false},
		{"OrderService/CancelOrder", true, false, true, true},
		{"OrderService/MassCancelOrders", true, false, true, true},
		{"OrderService/ListOrders", true, true, true, true},
		{"MarketService/GetBook", true, true, true, true},
		{"AdminService/CreateUser", false, false, false, true},
		{"AdminService/SetTradingStatus", false, false, true, true},
		{"AdminService/SetRiskLimits", false, false, true, true},
		{"AdminService/MassCancelForUser", false, false, true, true},
		{"AdminService/ListAudit", false, false, true, true},
		{"AdminService/ListTold", false, false, false, true},
		{"AdminService/ListConnections", false, false, true, true},
		{"AdminService/BustTrade", false, false, false, true},
		{"AdminService/ExportJournal", false, false, false, true},
	} {
		got := [4]bool{may(c.method, trade.RoleTrader), may(c.method, trade.RoleViewer), may(c.method, trade.RoleRisk), may(c.method, trade.RoleAdmin)}
		if want := [4]bool{c.trader, c.viewer, c.risk, c.admin}; got != want {
			t.Errorf("%s: trader, viewer, risk, admin may %v, want %v", c.method, got, want)
		}
	}
	for name, m := range table {
		if strings.Contains(name, "AdminService/") && m.roles&(trade.RoleTrader|trade.RoleViewer) != 0 || strings.Contains(name, "AdminService/") && m.roles == 0 {
			t.Errorf("%s is not for staff only", name)
		}
	}
}

func TestCallsWithoutADeadlineGetOne(t *testing.T) {
	s := newTestServer()
	for name, want := range map[string]time.Duration{
		"/todoku.v1.SessionService/Login": 10 * time.Second,
		"/grpc.health.v1.Health/Check":    5 * time.Second,
		"/grpc.health.v1.Health/Watch":    0,
	} {
		began := time.Now()
		ctx, cancel := s.bound(t.Context(), name)
		at, ok := ctx.Deadline()
		if ok != (want != 0) || ok && (time.Until(at) > want || at.Sub(began) < want) {
			t.Errorf("%s ends at %v", name, at)
		}
		cancel()
	}
}
