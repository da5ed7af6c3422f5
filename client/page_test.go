package client_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"todoku/client"
)

func clientsPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// TestRequestsOfTheClientsPageAreValid reads the requests that docs/clients.md
// sends by hand. Its programs need Node and Python to be tried.
func TestRequestsOfTheClientsPageAreValid(t *testing.T) {
	requests := regexp.MustCompile(`(?s)-d '(\{.*?\})'.*?\b(todoku\.v1\.\w+)/(\w+)`).FindAllStringSubmatch(clientsPage(t), -1)
	if len(requests) < 2 {
		t.Fatalf("found %d requests", len(requests))
	}
	for _, r := range requests {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(r[2] + "." + r[3]))
		if err != nil {
			t.Errorf("%s/%s: %v", r[2], r[3], err)
			continue
		}
		method, ok := found.(protoreflect.MethodDescriptor)
		if !ok {
			t.Errorf("%s/%s is no method", r[2], r[3])
			continue
		}
		if err := protojson.Unmarshal([]byte(r[1]), dynamicpb.NewMessage(method.Input())); err != nil {
			t.Errorf("%s/%s: %v", r[2], r[3], err)
		}
	}
}

// TestProgramsOfTheClientsPageEndWhereThisPackageDoes compares their lists of
// reasons.
func TestProgramsOfTheClientsPageEndWhereThisPackageDoes(t *testing.T) {
	page := clientsPage(t)
	for _, reason := range []string{
		client.ReasonSuperseded, client.ReasonSessionRevoked, client.ReasonUserSuspended,
		client.ReasonNotYourConnection, client.ReasonBadCursor, client.ReasonBadSubscription,
	} {
		if !strings.Contains(page, "'"+reason+"'") || !strings.Contains(page, `"`+reason+`"`) {
			t.Errorf("a program of the page tries again after %s", reason)
		}
	}
}
