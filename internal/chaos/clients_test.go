package chaos

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// clients is a venue with the clients, each behind a link of its own.
type clients struct {
	t         testing.TB
	venue     *apptest.Process
	log       *venueLog
	claims    *claims
	members   []*member
	processes []*process
	load      *load

	where   sync.Mutex // protects address
	address string

	stop, calm context.CancelFunc // End the clients and the load.
	running    sync.WaitGroup
}

// member is a client as the driver knows it.
type member struct {
	link     *link
	recorder *recorder
	orders   chan order // Nil for a process of its own.
	process  *process   // Nil for one in this process.
	spec     rawSpec
}

// newClients starts a venue over a new directory, with settings from change.
func newClients(t testing.TB, change func(*apptest.Process)) *clients {
	t.Helper()
	dir := t.TempDir()
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	c := &clients{t: t, log: newVenueLog(t), claims: newClaims()}
	t.Cleanup(c.log.close) // After the venue's end, whose cleanup is registered later.
	c.venue = apptest.Launch(t, dir)
	c.venue.Log = c.log.w
	c.venue.Listen = "127.0.0.1:0" // Another process may take a fixed port while the venue is down.
	change(c.venue)
	c.startVenue()
	return c
}

func (c *clients) startVenue() {
	c.t.Helper()
	c.venue.Start()
	c.where.Lock()
	defer c.where.Unlock()
	c.address = c.venue.Address
}

func (c *clients) target() string {
	c.where.Lock()
	defer c.where.Unlock()
	return c.address
}

// add makes a client that is started by begin.
func (c *clients) add(spec rawSpec) {
	c.t.Helper()
	m := &member{link: newLink(c.t, c.target), recorder: newRecorder(spec.Name, spec.User, c.claims), spec: spec}
	m.spec.Address = m.link.address()
	c.members = append(c.members, m)
}

// begin starts every client and the load.
func (c *clients) begin(seed uint64, pace time.Duration) {
	c.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	busy, calm := context.WithCancel(ctx)
	c.calm = calm
	link := newLink(c.t, c.target)
	c.load = &load{address: link.address(), pace: pace, faults: make(chan string, 1)}
	c.t.Cleanup(func() {
		stop()
		c.running.Wait()
		c.load.running.Wait()
	})
	if pace > 0 {
		c.load.start(busy, seed)
	}
	for _, m := range c.members {
		run := runRaw
		switch {
		case strings.HasPrefix(m.spec.Name, "process"):
			m.process = &process{t: c.t, spec: m.spec, recorder: m.recorder}
			c.processes = append(c.processes, m.process)
			c.t.Cleanup(m.process.kill)
			m.process.start()
			continue
		case strings.HasPrefix(m.spec.Name, "go"):
			run, m.recorder.handed = runGoFeed, true
		}
		m.orders = make(chan order, 1)
		c.running.Go(func() {
			if err := run(ctx, m.spec, m.orders, m.recorder.take); err != nil {
				m.recorder.take(line{Kind: lineFault, Text: err.Error()})
			}
		})
	}
}

// tell gives a client an order, and returns false if its last one still waits.
func (m *member) tell(o order) bool {
	select {
	case m.orders <- o:
		return true
	default: // Also a process of its own, which takes none.
		return false
	}
}

// head returns the journal's newest sequence.
func (c *clients) head() uint64 {
	c.t.Helper()
	_, head, err := apptest.OpenJournal(c.t, c.venue.Data).Bounds(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return head
}

// patience is how long a client may take to receive everything after all faults have
// ended. It is reached only if a promise is broken. The clients' tokens last for seconds
// and they must acknowledge within three, so a busy machine needs time to become free.
const patience = 5 * time.Minute

// settle waits until every client has received everything. It returns the sequence up to
// which they must have received, and the clients that have not.
func (c *clients) settle() (head uint64, behind []string) {
	c.t.Helper()
	head = c.head()
	late := time.NewTimer(patience)
	defer late.Stop()
	for _, m := range c.members {
		for !m.recorder.settled(head) {
			select {
			case <-m.recorder.changed:
			case <-late.C:
				for _, m := range c.members {
					if !m.recorder.settled(head) {
						behind = append(behind, m.recorder.standing())
					}
				}
				return head, behind
			}
		}
	}
	return head, nil
}

// finish ends the load, settles, ends all clients, and judges.
func (c *clients) finish() *verdict {
	c.t.Helper()
	c.calm()
	c.load.running.Wait()
	head, behind := c.settle()
	c.stop()
	c.running.Wait()
	for _, p := range c.processes {
		p.kill()
	}
	recorders := make([]*recorder, len(c.members))
	for i, m := range c.members {
		recorders[i] = m.recorder
	}
	v := judge(newOracle(c.t, c.venue.Data, apptest.Users()), c.claims, recorders, head)
	for _, standing := range behind {
		v.add(protocolKept, "the head is %d; not told all within %s: %s", head, patience, standing)
	}
	select {
	case fault := <-c.load.faults:
		v.add(protocolKept, "the load: %s", fault)
	default:
	}
	return v
}

// endings counts why streams ended.
func (c *clients) endings() map[string]int {
	all := map[string]int{}
	for _, m := range c.members {
		m.recorder.mu.Lock()
		for reason, n := range m.recorder.ends {
			all[reason] += n
		}
		m.recorder.mu.Unlock()
	}
	return all
}

// subscription returns one of the subscriptions that a user may request.
func subscription(user string, pick uint64) *todokuv1.Subscription {
	of := &todokuv1.Subscription{Presence: pick&1 == 0}
	if pick&2 == 0 && (user == "rita" || user == "admin") {
		of.AllAccounts = true
	}
	switch choice := pick >> 2 % 9; choice {
	case 8:
		of.Symbols = []string{"*"}
	default:
		for i, symbol := range symbols() {
			if choice>>i&1 == 1 {
				of.Symbols = append(of.Symbols, symbol)
			}
		}
	}
	return of
}

func name(kind string, n int) string { return fmt.Sprintf("%s%02d", kind, n) }
