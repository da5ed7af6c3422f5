package bench

import (
	"testing"

	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
)

// Fuzzed alone: nothing here needs the other test files of this package.

func FuzzReadAnswers(f *testing.F) {
	seed, err := proto.Marshal(&todokuv1.PlaceOrderResponse{Answer: &todokuv1.OrderAnswer{OrderId: "1", Cursor: "e:1"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, reply []byte) {
		answers, _, err := readAnswers(reply, 1)
		if err == nil && len(answers) != 1 {
			t.Errorf("%d answers without an error", len(answers))
		}
	})
}
