package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
)

// Fuzzed alone: nothing here needs the other test files of this package.

const testRun = "12345678"

// event is event n of the test's run as a message with a sequence.
func event(n, sequence uint64) *todokuv1.Message {
	text := string(appendEvent(nil, testRun, n, time.Millisecond, 100))
	return &todokuv1.Message{Sequence: sequence, Body: &todokuv1.Message_Announcement{Announcement: &todokuv1.Announcement{From: "x", Text: text}}}
}

// chain makes responses that follow on each other, each with the messages of one.
func chain(all ...[]*todokuv1.Message) (responses []*todokuv1.FeedNotificationResponse) {
	cursor := ""
	for i, messages := range all {
		r := &todokuv1.FeedNotificationResponse{ConnectionId: "c", Messages: messages, PreviousCursor: cursor, Number: uint64(i + 1)}
		cursor = fmt.Sprintf("epoch:%d", messages[len(messages)-1].GetSequence())
		r.Cursor = cursor
		responses = append(responses, r)
	}
	return responses
}

func encoded(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// prefixed is a message as gRPC sends it.
func prefixed(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b := encoded(t, m)
	n := len(b)
	return append([]byte{0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, b...)
}

func oneFeed() (*feed, *tally) {
	t := &tally{run: testRun, need: 1, end: time.Hour}
	return &feed{id: "c", tally: t}, t
}

func TestEveryFaultOfAStreamIsCounted(t *testing.T) {
	one := func(n, sequence uint64) []*todokuv1.Message { return []*todokuv1.Message{event(n, sequence)} }
	good := func() []*todokuv1.FeedNotificationResponse { return chain(one(0, 5), one(1, 6), one(2, 9)) }
	for name, c := range map[string]struct {
		spoil                             func() []*todokuv1.FeedNotificationResponse
		duplicated, disordered, lost, bad uint64
	}{
		"none":       {spoil: good},
		"lost":       {spoil: func() []*todokuv1.FeedNotificationResponse { return chain(one(0, 5), one(2, 9)) }, lost: 1},
		"duplicated": {spoil: func() []*todokuv1.FeedNotificationResponse { return chain(one(0, 5), one(1, 6), one(1, 7), one(2, 9)) }, duplicated: 1},
		"disordered": {spoil: func() []*todokuv1.FeedNotificationResponse { return chain(one(0, 5), one(2, 9), one(1, 6)) }, disordered: 1},
		"a response skipped": {spoil: func() []*todokuv1.FeedNotificationResponse {
			all := good()
			return append(all[:1], all[2])
		}, lost: 1, bad: 1},
		"another number": {spoil: func() []*todokuv1.FeedNotificationResponse {
			all := good()
			all[2].Number = 7
			return all
		}, bad: 1},
	} {
		f, sum := oneFeed()
		for _, r := range c.spoil() {
			if err := f.data(prefixed(t, r), 2*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		p := &publisher{sent: 3}
		for n := range p.sent {
			p.acked.add(n)
		}
		run := &pushRun{tally: sum, clients: &clients{feeds: []*feed{f}}, publisher: p}
		var result Result
		run.verify(&result)
		if *result.Lost != c.lost || *result.Duplicated != c.duplicated || result.Disordered != c.disordered || result.Broken != c.bad {
			t.Errorf("%s: lost %d, duplicated %d, disordered %d, broken %d", name, *result.Lost, *result.Duplicated, result.Disordered, result.Broken)
		}
		if result.Good() != (name == "none") {
			t.Errorf("%s: good is %v", name, result.Good())
		}
	}
}

func TestAnnouncementsOfOthersAreSkipped(t *testing.T) {
	f, sum := oneFeed()
	for _, text := range []string{"", "closing early today", string(appendEvent(nil, "87654321", 0, 0, 100)), testRun + "zz"} {
		f.announced([]byte(text), 1, 0)
	}
	if len(sum.arrived) != 0 {
		t.Errorf("%d events arrived", len(sum.arrived))
	}
}

// script is what a server sends on a connection with two feeds: several messages in
// a frame, one in several frames, what must be answered, and headers.
func script(t testing.TB) []byte {
	t.Helper()
	var wire, block bytes.Buffer
	framer := http2.NewFramer(&wire, nil)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(framer.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1000}))
	encoder := hpack.NewEncoder(&block)
	must(encoder.WriteField(hpack.HeaderField{Name: ":status", Value: "200"}))
	for _, stream := range []uint32{1, 3} {
		must(framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}))
	}
	begin := []*todokuv1.Message{
		{Sequence: 4, Body: &todokuv1.Message_Hello{Hello: &todokuv1.Hello{AttachNumber: 77, Start: todokuv1.Hello_START_SNAPSHOT}}},
		{Sequence: 4, Body: &todokuv1.Message_SnapshotEnd{SnapshotEnd: &todokuv1.SnapshotEnd{}}},
	}
	for _, stream := range []uint32{1, 3} {
		var all []byte
		for _, r := range chain(begin, []*todokuv1.Message{event(0, 5), event(1, 6)}, []*todokuv1.Message{event(2, 7)}) {
			all = append(all, prefixed(t, r)...)
		}
		must(framer.WriteData(stream, false, all[:len(all)-50]))
		must(framer.WritePing(false, [8]byte{1, 2, 3}))
		must(framer.WriteData(stream, false, all[len(all)-50:]))
	}
	must(framer.WriteWindowUpdate(0, 1000))
	return wire.Bytes()
}

func twoFeeds() (*feedConn, *tally) {
	sum := &tally{run: testRun, need: 2, end: time.Hour}
	c := &feedConn{feeds: []*feed{{id: "a", tally: sum}, {id: "b", tally: sum}}, window: 256}
	_ = c.open() // The requests are short.
	return c, sum
}

func TestAFeedIsReadInPiecesOfAnySize(t *testing.T) {
	wire := script(t)
	var answers []byte
	for size := 1; size <= len(wire); size++ {
		c, sum := twoFeeds()
		complete := 0
		sum.complete = func(uint64) { complete++ }
		c.Out = c.Out[:0]
		for piece := range slices.Chunk(wire, size) {
			if err := c.receive(piece, 3*time.Millisecond); err != nil {
				t.Fatalf("pieces of %d: %v", size, err)
			}
		}
		if sum.deliveries != 6 || complete != 3 || sum.responses != 6 || sum.broken+sum.duplicated+sum.disordered != 0 || sum.latency.quantile(5000) != 2*time.Millisecond {
			t.Fatalf("pieces of %d: %+v", size, sum)
		}
		for _, f := range c.feeds {
			if !f.live || f.attach != 77 || string(f.cursor) != "epoch:7" || len(f.partial) > 0 {
				t.Fatalf("pieces of %d: %+v", size, f)
			}
		}
		if answers == nil {
			answers = bytes.Clone(c.Out)
		}
		if !bytes.Equal(answers, c.Out) {
			t.Fatalf("pieces of %d get another answer", size)
		}
	}
	kinds := map[http2.FrameType]int{}
	framer := http2.NewFramer(nil, bytes.NewReader(answers))
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			break
		}
		kinds[frame.Header().Type]++
	}
	// Each feed's first frame used more than half of its window up.
	if kinds[http2.FrameSettings] != 1 || kinds[http2.FramePing] != 2 || kinds[http2.FrameWindowUpdate] != 2 {
		t.Errorf("answered with %v", kinds)
	}
}

func TestAShutWindowStaysShut(t *testing.T) {
	c, _ := twoFeeds()
	c.shut, c.Out = true, c.Out[:0]
	if err := c.receive(script(t), 0); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(nil, bytes.NewReader(c.Out))
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		if frame.Header().Type == http2.FrameWindowUpdate {
			t.Fatal("the window was opened")
		}
	}
}

func TestRequestsAreWhatGeneratedCodeReads(t *testing.T) {
	f, _ := oneFeed()
	f.cursor, f.attach, f.number = []byte("epoch:7"), 9, 12
	var attach todokuv1.FeedNotificationRequest
	var acknowledge todokuv1.AcknowledgeNotificationsRequest
	if err := proto.Unmarshal(f.attachRequest(), &attach); err != nil || attach.GetConnectionId() != "c" || attach.GetResumeAfter() != "epoch:7" || attach.GetInstanceId() != "c" {
		t.Errorf("%v, %v", &attach, err)
	}
	if f.acknowledgement(acknowledgeEvery-1) != 0 || f.acknowledgement(acknowledgeEvery) != 12 || f.acknowledgement(3*acknowledgeEvery) != 0 {
		t.Error("not acknowledged once, when it is due")
	}
	if err := proto.Unmarshal(f.acknowledgeRequest(12), &acknowledge); err != nil || acknowledge.GetConnectionId() != "c" || acknowledge.GetAttachNumber() != 9 || acknowledge.GetResponseNumber() != 12 {
		t.Errorf("%v, %v", &acknowledge, err)
	}
	p := &publisher{of: &pushRun{run: testRun, config: PushConfig{Payload: 200}}}
	var announce todokuv1.AnnounceRequest
	if err := proto.Unmarshal(p.appendRequest(nil, 3, time.Second), &announce); err != nil || announce.GetRequestId() != testRun+"-3" || len(announce.GetText()) != 200 {
		t.Errorf("%v, %v", &announce, err)
	}
	if n, due, ok := readEvent([]byte(announce.GetText()), testRun); !ok || n != 3 || due != time.Second {
		t.Errorf("event %d due %s, %v", n, due, ok)
	}
}

func TestASetOfNumbersEqualsANaiveOne(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	var s numberSet
	naive := map[uint64]bool{}
	for i := range 20_000 {
		// Nearly in order, with gaps and repetitions.
		n := uint64(i) + random.Uint64N(100)
		if s.add(n) == naive[n] {
			t.Fatalf("seed %d: %d was new: %v", seed, n, !naive[n])
		}
		naive[n] = true
	}
	for n := range uint64(21_000) {
		if s.has(n) != naive[n] {
			t.Fatalf("seed %d: has %d: %v", seed, n, s.has(n))
		}
	}
	var full numberSet
	for n := range uint64(100_000) {
		full.add(n)
	}
	if len(full.words) > 1 {
		t.Errorf("%d words are kept of a set without holes", len(full.words))
	}
}

func FuzzFeedConnection(f *testing.F) {
	f.Add(script(f), 7)
	f.Add([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}, 1)
	f.Fuzz(func(_ *testing.T, wire []byte, size int) {
		c, _ := twoFeeds()
		for piece := range slices.Chunk(wire, max(size, 1)) {
			if c.receive(piece, time.Second) != nil {
				return
			}
		}
	})
}
