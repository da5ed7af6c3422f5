package feed

import (
	"runtime"
	"testing"
	"weak"

	"todoku/trade"
)

// texts encodes an announcement as its text.
type texts struct{}

func (texts) Encode(m Message) []byte {
	a, _ := m.Body.(*Announcement)
	return []byte(a.Text)
}

// TestAMessageThatIsKeptKeepsNoOther checks that a kept message does not keep the memory of
// its record: the queue of a slow client may hold one message of each of thousands.
func TestAMessageThatIsKeptKeepsNoOther(t *testing.T) {
	c := newComposer()
	r := &trade.Record{Sequence: 1, Events: []trade.Event{
		&trade.Announced{Text: "one that waits in the queue of a client"},
		&trade.Announced{Text: "one that everybody has received"},
	}}
	messages := c.appendEvents(nil, c.compose(r), texts{})
	kept, other := messages[0], weak.Make(&messages[1].Data[0])
	clear(messages)
	runtime.GC()
	if other.Value() != nil {
		t.Error("it keeps the data of another")
	}
	runtime.KeepAlive(kept)
}
