package client

import (
	"testing"

	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
)

// TestEveryMessageHasALaneInTheSchema checks that every case of Message.body has a lane,
// and that messages from the journal are events.
func TestEveryMessageHasALaneInTheSchema(t *testing.T) {
	t.Parallel()
	bodies := (&todokuv1.Message{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	for i := range bodies.Len() {
		body := bodies.Get(i)
		if lane := proto.GetExtension(body.Options(), todokuv1.E_Lane); lane == todokuv1.Lane_LANE_UNSPECIFIED {
			t.Errorf("Message.%s has no lane", body.Name())
		}
	}
	for _, c := range []struct {
		message *todokuv1.Message
		event   bool
	}{
		{&todokuv1.Message{Body: &todokuv1.Message_ExecutionReport{}}, true},
		{&todokuv1.Message{Body: &todokuv1.Message_Order{}}, true},
		{&todokuv1.Message{Body: &todokuv1.Message_BookUpdate{}}, false},
		{&todokuv1.Message{Body: &todokuv1.Message_Heartbeat{}}, false},
		{&todokuv1.Message{}, true}, // Of a type that this client does not know.
	} {
		if isEvent(c.message) != c.event {
			t.Errorf("%T is an event: %t", c.message.GetBody(), !c.event)
		}
	}
}
