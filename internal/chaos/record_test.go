package chaos

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push/pushtest"
)

// recorder keeps what one client received, from the lines that the client writes.
type recorder struct {
	name, user string
	handed     bool // The responses are made from updates of the Go client.
	claims     *claims
	changed    chan struct{} // Holds one; rung when something came.

	mu      sync.Mutex // protects the fields below
	runs    []*run
	asked   line // The newest lineBegin.
	current *stream
	final   *stream // The live one when everything had been received.
	byID    map[int]*stream
	cursor  string
	faults  []string
	ends    map[string]int // Why streams ended, how often.
}

// run is the streams of a client since it last started without a cursor.
type run struct{ streams []*stream }

// stream is everything that one stream carried.
type stream struct {
	pushtest.Stream

	segments []segment
	epoch    string
	snapshot map[string]string // The values of the snapshot, by key.
	opening  bool              // Inside the snapshot.
	whole    bool              // The snapshot is complete.
	// initial are messages at the sequence where the subscription grew: each is either an
	// event of that sequence or state for the new subscription.
	initial map[int][]int // By response, which of its events.
	books   map[string]*mirror
	beats   []uint64 // Cursors of the heartbeats.
	// conflated is the count in the last heartbeat.
	conflated uint64
}

// segment is a subscription and the sequence after which it applies.
type segment struct {
	after uint64
	of    *todokuv1.Subscription
	grew  bool // Presence or accounts were added: their current state is sent.
}

// mirror is a book as a client holds it.
type mirror struct {
	values    map[string]string // By side and price, and "best".
	sequences map[string]uint64
	begins    int
	begun     uint64 // Cursor of the response with BookBegin.
	since     uint64 // Cursor of the first response after that one.
	updates   uint64 // Received after that response.
}

func newRecorder(name, user string, shared *claims) *recorder {
	return &recorder{
		name: name, user: user, claims: shared, changed: make(chan struct{}, 1),
		runs: []*run{{}}, byID: map[int]*stream{}, ends: map[string]int{},
	}
}

// fault records a broken promise. The caller holds mu.
func (r *recorder) fault(format string, args ...any) {
	r.faults = append(r.faults, r.name+": "+fmt.Sprintf(format, args...))
}

// take takes a line.
func (r *recorder) take(l line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch l.Kind {
	case lineBegin:
		r.asked, r.current = l, nil
	case lineResponse:
		r.response(l)
	case lineSubscribed:
		if s := r.byID[l.Stream]; s != nil {
			before := s.segments[len(s.segments)-1].of
			now := l.Request.GetSubscription()
			grew := now.GetPresence() && !before.GetPresence() || now.GetAllAccounts() && !before.GetAllAccounts()
			s.segments = append(s.segments, segment{after: r.sequence(s, l.Text), of: now, grew: grew})
		}
	case lineForgot:
		r.runs, r.cursor = append(r.runs, &run{}), ""
	case lineFault:
		r.fault("%s", l.Text)
	case lineEnd:
		r.ends[l.Text]++
	}
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *recorder) response(l line) {
	s := r.byID[l.Stream]
	if s == nil {
		if l.Stream != r.asked.Stream {
			r.fault("stream %d begins after stream %d was asked for", l.Stream, r.asked.Stream)
			return
		}
		if s = r.begin(l.Response); s == nil {
			return
		}
	}
	out := pushtest.Response{
		Number: l.Response.GetNumber(), Previous: r.sequence(s, l.Response.GetPreviousCursor()),
		Cursor: r.sequence(s, l.Response.GetCursor()), Fragment: l.Response.GetFragment(),
	}
	if l.Stream != r.asked.Stream {
		for _, m := range l.Response.GetMessages() {
			if isEvent(m) {
				out.Events = append(out.Events, pushtest.Event{Sequence: m.GetSequence(), Index: m.GetIndex()})
			}
		}
		s.Lost = append(s.Lost, out)
		return
	}
	begun := map[*mirror]bool{}
	var initial []int
	for _, m := range l.Response.GetMessages() {
		switch r.message(s, m, out.Cursor, begun) {
		case event:
			out.Events = append(out.Events, pushtest.Event{Sequence: m.GetSequence(), Index: m.GetIndex()})
		case eventOrInitial:
			initial = append(initial, len(out.Events))
			out.Events = append(out.Events, pushtest.Event{Sequence: m.GetSequence(), Index: m.GetIndex()})
		case noEvent:
		}
	}
	for _, book := range s.books {
		if book.since == 0 && !begun[book] {
			book.since = out.Cursor
		}
	}
	s.Responses = append(s.Responses, out)
	if len(initial) > 0 {
		s.initial[len(s.Responses)-1] = initial
	}
	if l.Response.GetCursor() != "" {
		r.cursor = l.Response.GetCursor()
	}
}

// begin makes a stream of the first response, which begins with Hello. The caller
// holds mu.
func (r *recorder) begin(first *todokuv1.FeedNotificationResponse) *stream {
	if len(first.GetMessages()) == 0 || first.GetMessages()[0].GetHello() == nil {
		r.fault("a stream begins with %v, want Hello", first)
		return nil
	}
	hello := first.GetMessages()[0].GetHello()
	s := &stream{
		epoch: hello.GetEpoch(), snapshot: map[string]string{}, books: map[string]*mirror{}, initial: map[int][]int{},
		segments: []segment{{of: r.asked.Request.GetSubscription()}},
	}
	s.Head = hello.GetHeadSequence()
	resume := r.asked.Request.GetResumeAfter()
	switch hello.GetStart() {
	case todokuv1.Hello_START_REPLAY:
		s.Resume = r.sequence(s, resume)
	case todokuv1.Hello_START_RESET:
		s.Snapshot, s.Fresh = true, true
	case todokuv1.Hello_START_SNAPSHOT:
		s.Snapshot = true
		if resume != "" {
			r.fault("resumed after %s and was given a snapshot without a reset", resume)
		}
	case todokuv1.Hello_START_UNSPECIFIED:
		r.fault("the stream does not say how it begins")
	}
	run := r.runs[len(r.runs)-1]
	run.streams = append(run.streams, s)
	r.current, r.byID[r.asked.Stream] = s, s
	return s
}

// sequence takes a cursor apart; none is 0.
func (r *recorder) sequence(s *stream, cursor string) uint64 {
	if cursor == "" {
		return 0
	}
	epoch, digits, _ := strings.Cut(cursor, ":")
	sequence, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || epoch != s.epoch {
		r.fault("a cursor %q in epoch %s", cursor, s.epoch)
	}
	return sequence
}

// settled reports whether the client has received everything up to a sequence, and a few
// heartbeats since.
func (r *recorder) settled(head uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == nil {
		return false
	}
	beats := r.current.beats
	if len(beats) < 3 || beats[len(beats)-3] < head {
		return false
	}
	r.final = r.current
	return true
}

// reached reports whether the client is attached and has received everything up to a
// sequence.
func (r *recorder) reached(head uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == nil || len(r.current.Responses) == 0 {
		return false
	}
	return r.current.Responses[len(r.current.Responses)-1].Cursor >= head
}

// at returns where the client may resume.
func (r *recorder) at() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cursor
}

// standing describes the client's position for a failure message.
func (r *recorder) standing() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == nil {
		return fmt.Sprintf("%s at %s, not attached (%v)", r.name, r.cursor, r.ends)
	}
	return fmt.Sprintf("%s at %s, %d heartbeats (%v)", r.name, r.cursor, len(r.current.beats), r.ends)
}
