package rpc

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"todoku/deadline"
	"todoku/trade"
)

// TestTheMethodsAreThoseOfTheTable compares the options of every method in the schema with
// testdata/methods.txt: who may call it, the client's and the server's deadline, and
// whether a client repeats it.
func TestTheMethodsAreThoseOfTheTable(t *testing.T) {
	var got strings.Builder
	table := methods()
	for _, name := range slices.Sorted(maps.Keys(table)) {
		m := table[name]
		who := "signed in"
		switch {
		case m.public:
			who = "public"
		case m.roles != 0:
			var roles []string
			for role, word := range map[trade.Role]string{trade.RoleTrader: "TRADER", trade.RoleViewer: "VIEWER", trade.RoleRisk: "RISK", trade.RoleAdmin: "ADMIN"} {
				if m.roles&role != 0 {
					roles = append(roles, word)
				}
			}
			slices.Sort(roles)
			who = strings.Join(roles, "+")
		}
		p, _ := deadline.Of(name)
		fmt.Fprintf(&got, "%s: %s, client %s, server %s, retried %t\n", name, who, p.Client, p.Server, p.Retried)
	}
	want, err := os.ReadFile("testdata/methods.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the schema differs from testdata/methods.txt:\n%s", got.String())
	}
}
