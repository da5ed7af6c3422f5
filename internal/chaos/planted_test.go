package chaos

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/push/pushtest"
)

// The judge must be able to fail. Bugs are planted in a scratch build of the venue, each is
// switched on by name, and the judge must detect every one. The product has no hook for
// this: the scratch build replaces the lines that testdata/planted names (go build
// -overlay).

// plant is one bug: a line of the product and the line that replaces it.
type plant struct {
	name, file, instead, read string
	red                       []pushtest.Guarantee // The judge must find one of these broken.
}

// envPlanted names the bug that a venue of the scratch build has.
const envPlanted = "TODOKU_PLANTED"

// switched is added to every package with a planted bug.
const switched = `package %s

import "os"

// planted returns 1 if the bug of this name is switched on, 0 otherwise.
func planted(name string) int {
	if os.Getenv("` + envPlanted + `") == name {
		return 1
	}
	return 0
}
`

// TestPlantedBugsAreSeen runs the same rehearsal against a venue without and with
// each of the bugs.
func TestPlantedBugsAreSeen(t *testing.T) {
	t.Parallel()
	plants := plantsOf(t)
	program := sow(t, plants)
	t.Run("none", func(t *testing.T) {
		for _, text := range rehearse(t, program, "none").text {
			t.Error(text)
		}
	})
	for _, p := range plants {
		t.Run(p.name, func(t *testing.T) {
			v := rehearse(t, program, p.name)
			for _, guarantee := range p.red {
				if v.guarantees[guarantee] > 0 {
					t.Logf("seen: %v", v.guarantees)
					return
				}
			}
			t.Errorf("the judge did not notice: %v %s", v.guarantees, strings.Join(v.text, "\n"))
		})
	}
}

// plantsOf reads the bugs.
func plantsOf(t *testing.T) []plant {
	t.Helper()
	files, err := filepath.Glob("testdata/planted/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("the bugs to plant are %v, %v", files, err)
	}
	plants := make([]plant, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := plant{name: strings.TrimSuffix(filepath.Base(file), ".txt")}
		for field := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(field, ":")
			switch value = strings.TrimSpace(value); key {
			case "file":
				p.file = value
			case "instead":
				p.instead = value
			case "read":
				p.read = value
			case "red":
				for word := range strings.FieldsSeq(value) {
					p.red = append(p.red, pushtest.Guarantee(word))
				}
			}
		}
		if p.file == "" || p.instead == "" || !strings.Contains(p.read, strconv.Quote(p.name)) || len(p.red) == 0 {
			t.Fatalf("%s does not change the source: %+v", file, p)
		}
		plants[i] = p
	}
	return plants
}

// sow builds this test binary, which can run a venue, with the bugs in it.
func sow(t *testing.T, plants []plant) (program string) {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("go is not installed")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	write := func(path, content string) {
		replaced := filepath.Join(dir, strconv.Itoa(len(replace))+".go")
		if err := os.WriteFile(replaced, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, path)] = replaced
	}
	sources := map[string]string{}
	for _, p := range plants {
		source, read := sources[p.file]
		if !read {
			content, err := os.ReadFile(filepath.Join(root, p.file))
			if err != nil {
				t.Fatal(err)
			}
			source = string(content)
		}
		if n := strings.Count(source, p.instead); n != 1 {
			t.Fatalf("bug %s does not apply any more: %s says %d times %q", p.name, p.file, n, p.instead)
		}
		sources[p.file] = strings.Replace(source, p.instead, p.read, 1)
	}
	for path, source := range sources {
		write(path, source)
		pkg := filepath.Dir(path)
		if path := filepath.Join(pkg, "planted.go"); replace[filepath.Join(root, path)] == "" {
			write(path, fmt.Sprintf(switched, filepath.Base(pkg)))
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(dir, "planted.test")
	args := []string{"test", "-c", "-overlay", list, "-o", program}
	if raced() {
		args = append(args, "-race") // What this binary is made of need not be compiled again.
	}
	build := exec.CommandContext(t.Context(), goTool, append(args, ".")...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the planted bugs do not compile: %v\n%s", err, out)
	}
	return program
}

// raced reports whether this binary was built with the race detector.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
}

// rehearsal is a few clients, and two more that trade so that those receive events.
type rehearsal struct {
	*clients
	maker, taker *client.Client
	n            int
}

// rehearse does once, in order, what the driver does at random: a resume with events
// missed, take-overs, a reader so slow that its queue overflows, a snapshot.
func rehearse(t *testing.T, program, bug string) *verdict {
	t.Helper()
	c := newClients(t, func(p *apptest.Process) {
		p.Program, p.Environment = program, []string{envPlanted + "=" + bug}
		p.Settings = apptest.Settings{SnapshotEvery: 400, Heartbeat: 150 * time.Millisecond, AckTimeout: time.Hour, SendTimeout: time.Hour, QueueMessages: 1500}
	})
	for i, user := range []string{"alice", "bob", "carol", "vera", "rita"} {
		c.add(rawSpec{Name: name("raw", i), User: user, Refreshes: true, Acknowledges: true, Symbols: []string{"*"}, Presence: true, All: user == "rita"})
	}
	c.begin(0, 0)
	r := &rehearsal{clients: c, maker: apptest.Client(t, c.target(), "alice"), taker: apptest.Client(t, c.target(), "bob")}

	r.trade(t, 10)
	r.reach(t)
	admit := make([]func(), len(c.members))
	for i, m := range c.members {
		admit[i] = m.link.refuse()
		m.link.cut()
	}
	r.trade(t, 10)
	for _, admit := range admit {
		admit()
	}
	r.reach(t)
	for _, do := range []orderKind{orderTakeOver, orderSupersede, orderTakeOver} {
		r.trade(t, 3)
		r.reach(t)
		for _, m := range c.members {
			m.orders <- order{do: do}
		}
		r.trade(t, 3)
		r.reach(t)
	}
	// Twice a client stops reading under load: once its queue exceeds a response but not
	// the queue's bound, and once it exceeds the bound.
	for i, orders := range []int{1700, 4000} {
		for _, m := range c.members[2:] {
			paused := make(chan struct{})
			m.orders <- order{do: orderPause, pause: time.Hour, obeyed: paused}
			<-paused
		}
		if err := flood(t.Context(), c.target(), "carol", "flood"+strconv.Itoa(i), orders); err != nil {
			t.Fatal(err)
		}
		for _, m := range c.members[2:] {
			m.orders <- order{do: orderRead}
		}
		r.reach(t)
	}
	r.rest(t, "USDJPY", "149.0", "149.1")
	r.rest(t, "EURUSD", "1.09", "1.10")
	r.reach(t)
	for _, m := range c.members[3:] {
		m.orders <- order{do: orderForget}
	}
	if _, behind := c.settle(); behind != nil {
		t.Fatal(behind)
	}
	// Levels that all clients saw disappear, and short-lived changes are conflated.
	if _, err := r.maker.Orders().MassCancelOrders(t.Context(), &todokuv1.MassCancelOrdersRequest{RequestId: "gone", Symbol: "EURUSD"}); err != nil {
		t.Fatal(err)
	}
	r.trade(t, 20)
	return c.finish()
}

// trade has the maker and the taker trade with each other.
func (r *rehearsal) trade(t *testing.T, times int) {
	t.Helper()
	for range times {
		r.n++
		id := strconv.Itoa(r.n)
		for side, c := range map[todokuv1.Side]*client.Client{todokuv1.Side_SIDE_SELL: r.maker, todokuv1.Side_SIDE_BUY: r.taker} {
			if _, err := c.Orders().PlaceOrder(t.Context(), apptest.Limit(id, "USDJPY", side, "10", "150.000")); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// rest leaves orders of the maker in a book.
func (r *rehearsal) rest(t *testing.T, symbol string, prices ...string) {
	t.Helper()
	for _, price := range prices {
		if _, err := r.maker.Orders().PlaceOrder(t.Context(), apptest.Limit("rest"+symbol+price, symbol, todokuv1.Side_SIDE_BUY, "1000", price)); err != nil {
			t.Fatal(err)
		}
	}
}

// reach waits until every client has received everything.
func (r *rehearsal) reach(t *testing.T) {
	t.Helper()
	head := r.head()
	late := time.NewTimer(patience)
	defer late.Stop()
	for _, m := range r.members {
		for !m.recorder.reached(head) {
			select {
			case <-m.recorder.changed:
			case <-late.C:
				t.Fatalf("the head is %d: %s", head, m.recorder.standing())
			}
		}
	}
}
