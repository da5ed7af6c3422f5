package engine

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"todoku/trade"
)

// The scenarios in testdata/scenarios are the rules of the venue as a trader reads
// them: a command on a line of its own, and under it, indented, its result. Text after
// "# " explains. After every command the auditor checks the engine's promises, and that
// a replay of the journal gives the same state.
//
// Every scenario begins on Monday, 2 March 2026, 9:00 UTC, with the traders alice,
// bob, carol and dave, the viewer vera, rita of risk and adam the administrator;
// the trading day ends at 22:00. The commands are those of scenarioVerbs.
//
// To rewrite the results: go test ./engine -run Scenarios -update.

var update = flag.Bool("update", false, "rewrite the scenarios' results")

func TestScenariosGiveTheWrittenResults(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	const fewest = 60
	if len(files) < fewest {
		t.Fatalf("%d scenarios, at least %d", len(files), fewest)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := newScenario(t).play(string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want := strings.Split(string(text), "\n")
			for i, line := range strings.Split(got, "\n") {
				if i >= len(want) || line != want[i] {
					t.Fatalf("line %d:\n  got  %s\n  want %s", i+1, line, slices.Concat(want, make([]string, i+1))[i])
				}
			}
			if got != string(text) {
				t.Fatal("the file has more lines")
			}
		})
	}
}

// scenario plays one file.
type scenario struct {
	*testVenue

	requests int
	facts    map[trade.TradeID]*trade.BustTrade
	out      strings.Builder
}

func newScenario(t *testing.T) *scenario {
	t.Helper()
	s := &scenario{testVenue: newTestVenue(t), facts: map[trade.TradeID]*trade.BustTrade{}}
	s.must(&trade.ConfigureVenue{Venue: trade.Venue{DayEnd: 22 * 60 * 60}})
	s.signUp(trade.RoleTrader, "alice", "bob", "carol", "dave")
	s.signUp(trade.RoleViewer, "vera")
	s.signUp(trade.RoleRisk, "rita")
	s.signUp(trade.RoleAdmin, "adam")
	s.thorough, s.records = true, nil
	return s
}

// play executes a text and returns it with the results that it had.
func (s *scenario) play(text string) string {
	s.t.Helper()
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if strings.HasPrefix(line, "  ") {
			continue // An earlier result.
		}
		fmt.Fprintln(&s.out, line)
		command, _, _ := strings.Cut(line, "# ")
		if words := strings.Fields(command); len(words) > 0 {
			if err := s.command(words); err != nil {
				s.t.Fatalf("line %d: %s: %v", i+1, line, err)
			}
		}
	}
	return s.out.String()
}

// printf writes one line of a result.
func (s *scenario) printf(format string, args ...any) { fmt.Fprintf(&s.out, "  "+format+"\n", args...) }

var errUsage = errors.New("not understood")

// words reads the words of a command line from the left.
type words struct {
	left []string
	err  error
}

func (w *words) next() string {
	if len(w.left) == 0 {
		w.err = errUsage
		return ""
	}
	first := w.left[0]
	w.left = w.left[1:]
	return first
}

// accept takes the next word if it is one of these.
func (w *words) accept(choices ...string) string {
	if len(w.left) > 0 && slices.Contains(choices, w.left[0]) {
		return w.next()
	}
	return ""
}

// remainder takes all words that are left.
func (w *words) remainder() string {
	text := strings.Join(w.left, " ")
	w.left = nil
	return text
}

func (w *words) price() trade.Price {
	p, err := trade.ParsePrice(w.next())
	w.err = errors.Join(w.err, err)
	return p
}

func (w *words) quantity() trade.Quantity {
	q, err := trade.ParseQuantity(w.next())
	w.err = errors.Join(w.err, err)
	return q
}

func (w *words) number() uint64 {
	n, err := strconv.ParseUint(strings.TrimLeft(w.next(), "#T"), 10, 64)
	w.err = errors.Join(w.err, err)
	return n
}

// percent reads a percentage as basis points.
func (w *words) percent() trade.BasisPoints {
	q, err := trade.ParseQuantity(strings.TrimSuffix(w.next(), "%"))
	w.err = errors.Join(w.err, err)
	return trade.BasisPoints(q / 1_000_000)
}

// command executes one line. A line that is not in the table below begins with a user.
func (s *scenario) command(line []string) error {
	w := &words{left: line[1:]}
	switch line[0] {
	case "instrument":
		s.instrument(w)
	case "clock":
		s.moveClock(w)
	case "restart":
		s.restart(w)
	case "default-limits":
		s.defaultLimits(w)
	case "book":
		s.showBook(trade.Symbol(w.next()))
	case "orders":
		s.showOrders()
	case "positions":
		s.showPositions()
	case "facts":
		id := trade.TradeID(w.number())
		s.facts[id] = s.bustOf(id)
	default:
		s.ask(trade.UserID(line[0]), w)
	}
	if w.err == nil && len(w.left) > 0 {
		w.err = fmt.Errorf("%w: %s", errUsage, w.remainder())
	}
	return w.err
}

// instrument SYMBOL tick T lot L [min Q] [max Q] [band N%] [ref P] [low P] [high P]
// [disclose|secret] [closed]: creates it, or changes the given values.
func (s *scenario) instrument(w *words) {
	i := testInstrument(trade.Symbol(w.next()))
	if m := s.engine.state.instruments[i.Symbol]; m != nil {
		i = m.instrument
	}
	for len(w.left) > 0 && w.err == nil {
		switch w.next() {
		case "tick":
			i.TickSize = w.price()
		case "lot":
			i.LotSize = w.quantity()
			i.MinQuantity, i.MaxQuantity = i.LotSize, 1_000_000*i.LotSize
		case "min":
			i.MinQuantity = w.quantity()
		case "max":
			i.MaxQuantity = w.quantity()
		case "band":
			i.Band = w.percent()
		case "ref":
			i.ReferencePrice = w.price()
		case "low":
			i.LowLimitPrice = w.price()
		case "high":
			i.HighLimitPrice = w.price()
		case "disclose":
			i.Disclose = true
		case "secret":
			i.Disclose = false
		case "closed":
			i.Status = trade.TradingStatusClosed
		default:
			w.err = errUsage
		}
	}
	s.run(&trade.UpsertInstrument{Instrument: i})
}

// clock +1h | 22:00 | tuesday 9:00: moves the clock forward, and the engine does what is due.
func (s *scenario) moveClock(w *words) {
	text := w.next()
	for _, name := range []string{"tuesday", "wednesday", "thursday", "friday"} {
		if text == name {
			for strings.ToLower(s.clock.Weekday().String()) != name {
				s.clock = s.clock.Add(24 * time.Hour)
			}
			text = w.next()
		}
	}
	if by, ok := strings.CutPrefix(text, "+"); ok {
		d, err := time.ParseDuration(by)
		w.err = errors.Join(w.err, err)
		s.clock = s.clock.Add(d)
	} else {
		s.clock = s.on(text, w)
	}
	s.tick()
	s.showRecords()
}

// on returns a time of today.
func (s *scenario) on(clock string, w *words) time.Time {
	at, err := time.Parse("15:04", clock)
	w.err = errors.Join(w.err, err)
	return time.Date(s.clock.Year(), s.clock.Month(), s.clock.Day(), at.Hour(), at.Minute(), 0, 0, time.UTC)
}

// restart [with snapshot]: reads the journal again, after a snapshot or completely.
func (s *scenario) restart(w *words) {
	if w.accept("with") != "" && w.next() == "snapshot" {
		if err := s.engine.snapshots.last(s.t.Context(), s.engine.state, true); err != nil {
			w.err = err
			return
		}
	}
	before := s.hash()
	s.open()
	if s.hash() != before {
		w.err = errors.New("the state differs after the restart")
	}
}

// default-limits orders N rate N: restarts the engine with these limits for accounts that
// have none of their own.
func (s *scenario) defaultLimits(w *words) {
	for len(w.left) > 0 && w.err == nil {
		switch w.next() {
		case "orders":
			s.testVenue.options.Default.MaxOpenOrders = uint32(w.number())
		case "rate":
			s.testVenue.options.Default.MaxMessagesPerSecond = uint32(w.number())
		default:
			w.err = errUsage
		}
	}
	s.restart(w)
}

// run submits a command and writes its result.
func (s *scenario) run(c trade.Command) {
	s.t.Helper()
	result := s.submit(c)[0]
	var refusal *trade.Refusal
	switch {
	case errors.As(result.Err, &refusal):
		s.showRecords() // The clock may have come first.
		s.printf("refused: %v", refusal)
	case result.Err != nil:
		s.printf("error: %v", result.Err)
	case len(s.records) == 0 && c.From().Request != "":
		s.printf("the answer of record %d again", result.Answer.Sequence)
	default:
		s.showRecords()
		if s.checkAnswer(result.Answer, c); trade.KindOf(c) == trade.CommandMassCancel {
			s.printf("%d canceled", result.Answer.Count)
		}
	}
	s.records = nil
}

// checkAnswer compares an answer with the last report of its order.
func (s *scenario) checkAnswer(a trade.Answer, c trade.Command) {
	s.t.Helper()
	if a.Sequence != s.engine.state.sequence {
		s.t.Fatalf("the answer is of record %d, the head is %d", a.Sequence, s.engine.state.sequence)
	}
	if a.Order() == 0 {
		return
	}
	o := s.auditor.reported[a.Order()]
	if o.Status != a.Status || o.Filled != a.Filled || o.Leaves != a.Leaves {
		s.t.Fatalf("%v was answered %+v, the order is %+v", trade.KindOf(c), a, o)
	}
}
