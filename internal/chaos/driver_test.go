package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// driver injects faults into a venue and its clients. The faults, their targets and
// their lengths depend only on its seed: every step draws the same numbers, regardless of
// the results of earlier steps.
type driver struct {
	clients *clients
	random  *rand.Rand
	began   time.Time
	effects sync.WaitGroup // Faults that last for a while.
	done    map[string]int
	diary   []string
}

// step is one thing that the driver does.
type step struct {
	wait   time.Duration // Before it.
	lasts  time.Duration
	pick   int    // Below 100; selects the fault.
	target uint64 // Selects the client.
	detail uint64
}

func (d *driver) draw() step {
	return step{
		wait:  time.Duration(50+d.random.IntN(600)) * time.Millisecond,
		lasts: time.Duration(100+d.random.IntN(7000)) * time.Millisecond,
		pick:  d.random.IntN(100), target: d.random.Uint64(), detail: d.random.Uint64(),
	}
}

// run takes steps until ctx ends, and then undoes all faults that last.
func (d *driver) run(ctx context.Context) {
	d.began, d.done = time.Now(), map[string]int{}
	for ctx.Err() == nil {
		s := d.draw()
		if pause(ctx, s.wait); ctx.Err() == nil {
			d.act(ctx, s)
		}
	}
	d.effects.Wait()
}

// note counts a step and adds it to the diary, for the analysis of a failed run.
func (d *driver) note(what string, format string, args ...any) {
	d.done[what]++
	d.diary = append(d.diary, fmt.Sprintf("%8.3f s  %s %s", time.Since(d.began).Seconds(), what, fmt.Sprintf(format, args...)))
}

// act does one step.
func (d *driver) act(ctx context.Context, s step) {
	c := d.clients
	m := c.members[s.target%uint64(len(c.members))]
	p := c.processes[s.target%uint64(len(c.processes))]
	short := s.lasts / 4 // While the venue is away, nothing else can happen.
	switch {
	case s.pick < 3:
		d.note("kill the venue", "for %s", short)
		c.venue.Kill()
		pause(ctx, short)
		c.startVenue()
	case s.pick < 6:
		d.note("stop the venue", "for %s", short)
		c.venue.Stop()
		pause(ctx, short)
		c.startVenue()
	case s.pick < 20:
		d.note("cut", "%s", m.spec.Name)
		m.link.cut()
	case s.pick < 22:
		d.note("cut everybody", "")
		for _, m := range c.members {
			m.link.cut()
		}
	case s.pick < 34:
		d.note("stall", "%s for %s", m.spec.Name, s.lasts)
		d.last(ctx, s.lasts, m.link.stall())
	case s.pick < 36:
		d.note("stall every third", "for %s", short)
		for i := int(s.detail % 3); i < len(c.members); i += 3 {
			d.last(ctx, short, c.members[i].link.stall())
		}
	case s.pick < 42:
		d.note("forget the connections of", "%s", m.spec.Name)
		m.link.forget()
	case s.pick < 46:
		d.note("refuse", "%s for %s", m.spec.Name, s.lasts)
		d.last(ctx, s.lasts, m.link.refuse())
		m.link.cut()
	case s.pick < 54:
		d.note("freeze", "%s for %s", p.spec.Name, s.lasts)
		d.last(ctx, s.lasts, p.freeze())
	case s.pick == 54:
		d.note("freeze the reader of the log", "for %s", s.lasts)
		d.last(ctx, s.lasts, c.log.freeze())
	case s.pick < 57:
		d.note("kill the client", "%s", p.spec.Name)
		p.kill()
		p.start()
	default:
		d.command(ctx, m, s)
	}
}

// command has a client do something.
func (d *driver) command(ctx context.Context, m *member, s step) {
	o := order{pause: s.lasts, to: subscription(m.spec.User, s.detail)}
	switch {
	case s.pick < 66:
		o.do = orderTakeOver
	case s.pick < 73:
		o.do = orderSupersede
	case s.pick < 85:
		o.do = orderSubscribe
	case s.pick < 91:
		o.do = orderPause
	case s.pick < 95:
		o.do = orderForget
	case s.pick < 98:
		o.do = orderRevoke
	default:
		if d.done["flood"] == 2 {
			return
		}
		d.note("flood", "")
		id := fmt.Sprintf("flood%d", s.detail)
		d.effects.Go(func() {
			call, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			_ = flood(call, d.clients.load.address, "carol", id, 5000) // As much of it as the venue took.
		})
		return
	}
	if m.tell(o) {
		d.note("tell", "%s to %s", m.spec.Name, o.do)
		d.done["tell to "+string(o.do)]++
	}
}

// last undoes something after a while, at the latest when ctx ends.
func (d *driver) last(ctx context.Context, lasts time.Duration, undo func()) {
	d.effects.Go(func() {
		pause(ctx, lasts)
		undo()
	})
}

// report lists the faults and how often each was injected.
func (d *driver) report() string {
	var out []string
	for what, n := range d.done {
		out = append(out, fmt.Sprintf("%s: %d", what, n))
	}
	slices.Sort(out)
	return fmt.Sprint(out)
}
