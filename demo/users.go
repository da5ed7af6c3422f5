package demo

import (
	"fmt"

	todokuv1 "todoku/gen/todoku/v1"
)

// Password is the password of the demo's people. It is public: a demo venue must not be
// reachable from other machines.
const Password = "demo"

// How many of the demo traders quote and how many take. In lists the makers are first.
const (
	makers  = 3
	takers  = 3
	traders = makers + takers
)

// A User of the demo venue. Its one account is named like the user.
type User struct {
	// Name is what the user signs in with.
	Name string
	// DisplayName is what others see.
	DisplayName string
	Roles       []todokuv1.Role
	// Password is empty for demo traders: the caller makes one up and passes it to
	// [Run].
	Password string
}

// Users returns the people of the demo venue (the traders alice, bob and carol, and admin)
// and then the demo traders.
func Users() []User {
	trader := []todokuv1.Role{todokuv1.Role_ROLE_TRADER}
	users := []User{
		{Name: "alice", DisplayName: "Alice", Roles: trader, Password: Password},
		{Name: "bob", DisplayName: "Bob", Roles: trader, Password: Password},
		{Name: "carol", DisplayName: "Carol", Roles: trader, Password: Password},
		{
			Name: "admin", DisplayName: "Administrator", Password: Password,
			Roles: []todokuv1.Role{todokuv1.Role_ROLE_ADMIN, todokuv1.Role_ROLE_RISK},
		},
	}
	for i := range traders {
		kind, number := "maker", i+1
		if i >= makers {
			kind, number = "taker", i-makers+1
		}
		users = append(users, User{
			Name: fmt.Sprintf("demo-%s-%d", kind, number), DisplayName: fmt.Sprintf("Demo %s %d", kind, number), Roles: trader,
		})
	}
	return users
}

// Traders returns the names of the demo traders, whose passwords [Config] needs.
func Traders() []string {
	var names []string
	for _, u := range Users() {
		if u.Password == "" {
			names = append(names, u.Name)
		}
	}
	return names
}
