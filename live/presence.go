package live

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"todoku/push"
	"todoku/trade"
)

// Presence: who is signed in, and the effects of absence. A user is online from the first
// attach until the last stream has been absent for a grace, so that a resume does not
// sign out. A session that asked for it has the DAY orders that it entered canceled when it
// has had no stream for the session's own grace: since its last stream ended or, if it enters
// an order without one, since that order.
//
// A stop of the server has neither effect: streams that end with SHUTDOWN start no
// timer, and users who were online when the server stopped get the grace to return.

// PresenceOptions are the settings of presence. The zero value takes the defaults.
type PresenceOptions struct {
	// Grace is how long a user may be without a stream and still be signed in;
	// 15 s by default.
	Grace time.Duration
	// Retry is how long to wait after a command failed without a refusal; 1 s by
	// default.
	Retry time.Duration
}

const (
	// maxPresenceBatch bounds the commands of one group commit.
	maxPresenceBatch = 1000
	// shutdownGrace is longer than a server takes to stop, so that no user signs out.
	shutdownGrace = time.Hour
)

// Directory has the venue's users: the feed.
type Directory interface {
	// Ready must be closed once the other methods answer.
	Ready() <-chan struct{}
	// Users must return all users.
	Users() []trade.User
}

// presence submits who is signed in and cancels on disconnect. Streams report to it
// from any goroutine; its own goroutine calls run.
type presence struct {
	submit    func(context.Context, []trade.Command) []error
	directory Directory
	options   PresenceOptions
	fault     func(error)
	wake      chan struct{} // has a value when the schedule has a new first entry

	mu       sync.Mutex // protects what follows
	subjects map[subjectKey]*subject
	schedule []appointment // earliest first
}

// appointment is when to check a subject. It is ignored unless the subject is due then.
type appointment struct {
	at      time.Time
	subject *subject
}

// subjectKey names a user, or one of the user's sessions if session is not "".
type subjectKey struct {
	user    trade.UserID
	session string
}

// subject is a user or a session that has streams or recently had some.
type subject struct {
	subjectKey
	streams int
	until   time.Time // when the absence takes effect, if there are no streams
	online  bool      // what the engine has for a user
	away    bool      // a session is absent and its orders are to be canceled at until
	due     time.Time // of its appointment; zero for none
}

func newPresence(
	submit func(context.Context, []trade.Command) []error, directory Directory, options PresenceOptions, fault func(error),
) *presence {
	options.Grace = cmp.Or(options.Grace, 15*time.Second)
	options.Retry = cmp.Or(options.Retry, time.Second)
	return &presence{
		submit: submit, directory: directory, options: options, fault: fault,
		wake: make(chan struct{}, 1), subjects: map[subjectKey]*subject{},
	}
}

// principal is the user and session that a stream makes present.
type principal struct {
	user    trade.UserID
	session string
	// cancelAfter is the session's cancel-on-disconnect; 0 for never.
	cancelAfter time.Duration
}

// attached notes that a stream begins. Its end must be noted with ended.
func (p *presence) attached(of principal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.subject(subjectKey{user: of.user})
	u.streams++
	if !u.online {
		p.plan(u, time.Now())
	}
	if of.cancelAfter > 0 {
		s := p.subject(subjectKey{of.user, of.session})
		s.streams++
		s.away = false
	}
}

// ended notes that a stream has ended, and why.
func (p *presence) ended(of principal, reason push.Reason) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if u := p.subjects[subjectKey{user: of.user}]; u != nil {
		if u.streams--; u.streams == 0 {
			u.until = now.Add(p.grace(reason))
			p.plan(u, u.until)
		}
	}
	s := p.subjects[subjectKey{of.user, of.session}]
	if s == nil || of.cancelAfter == 0 {
		return
	}
	if s.streams--; s.streams > 0 {
		return
	}
	if reason == push.ReasonShutdown {
		delete(p.subjects, s.subjectKey)
		return
	}
	s.away, s.until = true, now.Add(of.cancelAfter)
	p.plan(s, s.until)
}

// acted notes that a session has entered or changed an order. It must be called after the
// engine was given the command, so that a cancel that is planned here follows it.
func (p *presence) acted(of principal) {
	if of.cancelAfter == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	s := p.subjects[subjectKey{of.user, of.session}]
	switch {
	case s == nil:
		s = p.subject(subjectKey{of.user, of.session})
	case s.streams > 0 || s.away && now.Before(s.until):
		return
	}
	s.away, s.until = true, now.Add(of.cancelAfter)
	p.plan(s, s.until)
}

// grace is how long a user whose last stream ended for a reason stays signed in: not at
// all if the client cannot resume.
func (p *presence) grace(reason push.Reason) time.Duration {
	switch reason { //nolint:exhaustive // after the others a client can resume
	case push.ReasonShutdown:
		return shutdownGrace
	case push.ReasonSessionRevoked, push.ReasonSessionExpired, push.ReasonUserSuspended:
		return 0
	}
	return p.options.Grace
}

// subject returns a user or session, new if it is unknown. The caller holds mu.
func (p *presence) subject(key subjectKey) *subject {
	s := p.subjects[key]
	if s == nil {
		s = &subject{subjectKey: key}
		p.subjects[key] = s
	}
	return s
}

// plan gives a subject an appointment at a time, unless it has an earlier one. The
// caller holds mu.
func (p *presence) plan(s *subject, at time.Time) {
	if !s.due.IsZero() && !at.Before(s.due) {
		return
	}
	s.due = at
	place, _ := slices.BinarySearchFunc(p.schedule, at, func(a appointment, at time.Time) int {
		if a.at.After(at) {
			return 1
		}
		return -1 // Behind those of the same time: most are planned in order.
	})
	p.schedule = slices.Insert(p.schedule, place, appointment{at, s})
	if place == 0 {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
}

// next removes the first appointment and returns its subject, or nil if none is due. The
// caller holds mu.
func (p *presence) next(now time.Time) *subject {
	for len(p.schedule) > 0 && !p.schedule[0].at.After(now) {
		a := p.schedule[0]
		p.schedule = p.schedule[1:]
		if a.subject.due.Equal(a.at) {
			a.subject.due = time.Time{}
			return a.subject
		}
	}
	return nil
}

// RunPresence waits for the directory, takes from it who was online before, and then
// submits every change until ctx ends. It returns nil. It reports to Options.Fault
// changes that it could not submit, and tries again.
func (s *Streams) RunPresence(ctx context.Context) error { return s.presence.run(ctx) }

func (p *presence) run(ctx context.Context) error {
	select {
	case <-p.directory.Ready():
	case <-ctx.Done():
		return nil
	}
	p.restore()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		case <-timer.C:
		}
		for due := p.due(time.Now()); len(due) > 0; due = p.due(time.Now()) {
			p.carryOut(ctx, due)
			if ctx.Err() != nil {
				return nil
			}
		}
		p.mu.Lock()
		if len(p.schedule) > 0 {
			timer.Reset(time.Until(p.schedule[0].at))
		}
		p.mu.Unlock()
	}
}

// restore gives users who were online when the server stopped the grace to return.
func (p *presence) restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := time.Now().Add(p.options.Grace)
	for _, user := range p.directory.Users() {
		if user.Online {
			u := p.subject(subjectKey{user: user.ID})
			u.online, u.until = true, until
			p.plan(u, until)
		}
	}
}

// dueCommand is a command that is due and what to do after it.
type dueCommand struct {
	command trade.Command
	subject *subject
	done    func()
}

// due removes the appointments that are due and returns the commands that follow.
func (p *presence) due(now time.Time) []dueCommand {
	p.mu.Lock()
	defer p.mu.Unlock()
	var due []dueCommand
	for len(due) < maxPresenceBatch {
		s := p.next(now)
		switch {
		case s == nil:
			return due
		case s.session == "":
			due = p.compareUser(due, s, now)
		default:
			due = p.cancelSession(due, s, now)
		}
	}
	return due
}

// compareUser adds a command if a user's presence differs from the engine's. The
// caller holds mu.
func (p *presence) compareUser(due []dueCommand, u *subject, now time.Time) []dueCommand {
	online := u.streams > 0 || now.Before(u.until)
	switch {
	case online != u.online:
		return append(due, dueCommand{
			command: &trade.SetPresence{Subject: u.user, Online: online},
			subject: u,
			done: func() {
				u.online = online
				// It may have changed meanwhile.
				p.plan(u, time.Now())
			},
		})
	case !online:
		delete(p.subjects, u.subjectKey)
	case u.streams == 0:
		p.plan(u, u.until)
	}
	return due
}

// cancelSession adds the command that cancels for an absent session. The caller holds mu.
func (p *presence) cancelSession(due []dueCommand, s *subject, now time.Time) []dueCommand {
	switch {
	case !s.away:
		return due
	case now.Before(s.until):
		p.plan(s, s.until)
		return due
	}
	until := s.until
	return append(due, dueCommand{
		command: &trade.MassCancel{Session: s.session, DayOnly: true, Reason: trade.ReasonDisconnected},
		subject: s,
		done: func() {
			// A session that has acted, or attached and ended, meanwhile has another time.
			if s.away && s.until.Equal(until) {
				delete(p.subjects, s.subjectKey)
			}
		},
	})
}

// carryOut submits commands as one group and plans again what failed.
func (p *presence) carryOut(ctx context.Context, due []dueCommand) {
	commands := make([]trade.Command, 0, len(due))
	for _, d := range due {
		commands = append(commands, d.command)
	}
	errs := p.submit(ctx, commands)
	var fault error
	p.mu.Lock()
	for i, err := range errs {
		// A refusal is final: the user no longer exists or is suspended.
		var refusal *trade.Refusal
		if err == nil || errors.As(err, &refusal) {
			due[i].done()
			continue
		}
		fault = err
		p.plan(due[i].subject, time.Now().Add(p.options.Retry))
	}
	p.mu.Unlock()
	if fault != nil && ctx.Err() == nil {
		p.fault(fault)
	}
}
