package rpc

import (
	"context"
	"errors"
	"sync"
	"time"

	"todoku/push"
	"todoku/trade"
)

// Who is signed in, and what an absence leads to. A user is online from the
// first attach until the last stream has been away for a grace, so that a resume
// is not a sign-out. A session that asked for it has its DAY orders canceled when
// its last stream has been away for the session's own grace.
//
// Neither happens because the server stops: streams that end with SHUTDOWN start
// no clock, and users who were online when the server came up get the grace to
// come back.

// PresenceOptions are what can be set. The zero value takes the defaults.
type PresenceOptions struct {
	// Grace is how long a user may be without a stream and still be signed in;
	// 15 s by default.
	Grace time.Duration
	// Retry is how long to wait after the engine took a command for no reason of
	// the command's; 1 s by default.
	Retry time.Duration
	// Fault is told, if set, of commands that failed and will be tried again.
	Fault func(error)
}

// maxPresenceBatch bounds the commands of one group commit.
const maxPresenceBatch = 1000

// Directory is what presence asks about users: the feed.
type Directory interface {
	Users
	// Users must return all users.
	Users() []trade.User
}

// Presence tells the engine who is signed in and cancels on disconnect. Streams
// report to it from any goroutine; its one goroutine is that of Run.
type Presence struct {
	engine    Engine
	directory Directory
	options   PresenceOptions
	wake      chan struct{} // Rung when an agenda got an earlier entry.

	mu       sync.Mutex // protects what follows
	users    map[trade.UserID]*presentUser
	sessions map[string]*presentSession
	agenda   agenda
}

// presentUser is a user with a stream, or within the grace.
type presentUser struct {
	visit
	id trade.UserID
	// told is what the engine was told last.
	told bool
	// until is when the grace ends; it counts while there are no streams.
	until time.Time
}

// presentSession is a session that wants its orders canceled when it is away.
type presentSession struct {
	visit
	id    string
	user  trade.UserID
	grace time.Duration
	// away says that the clock of the disconnect runs, until when.
	away  bool
	until time.Time
}

// NewPresence returns a presence that does nothing until Run is called.
func NewPresence(engine Engine, directory Directory, options PresenceOptions) *Presence {
	if options.Grace == 0 {
		options.Grace = 15 * time.Second
	}
	if options.Retry == 0 {
		options.Retry = time.Second
	}
	if options.Fault == nil {
		options.Fault = func(error) {}
	}
	return &Presence{
		engine: engine, directory: directory, options: options,
		wake:     make(chan struct{}, 1),
		users:    map[trade.UserID]*presentUser{},
		sessions: map[string]*presentSession{},
	}
}

// visitor is a stream as presence sees it.
type visitor struct {
	user    trade.UserID
	session string
	// cancelAfter is the session's cancel-on-disconnect; 0 for never.
	cancelAfter time.Duration
}

// attached notes that a stream begins. Each call must be answered by one of ended.
func (p *Presence) attached(v visitor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	u := p.user(v.user)
	u.streams++
	if !u.told {
		p.plan(&u.visit, now)
	}
	if v.cancelAfter > 0 {
		s := p.sessions[v.session]
		if s == nil {
			s = &presentSession{id: v.session, user: v.user}
			s.ofSession = s
			p.sessions[v.session] = s
		}
		s.grace, s.away = v.cancelAfter, false
		s.streams++
	}
}

// ended notes that a stream has ended, and why.
func (p *Presence) ended(v visitor, reason push.Reason) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if u := p.users[v.user]; u != nil {
		if u.streams--; u.streams == 0 {
			switch {
			case reason == push.ReasonShutdown:
				u.until = now.Add(stopping)
			case final(reason):
				u.until = now
			default:
				u.until = now.Add(p.options.Grace)
			}
			p.plan(&u.visit, u.until)
		}
	}
	if s := p.sessions[v.session]; s != nil && v.cancelAfter > 0 {
		if s.streams--; s.streams == 0 {
			if reason == push.ReasonShutdown {
				delete(p.sessions, s.id)
				return
			}
			s.away, s.until = true, now.Add(s.grace)
			p.plan(&s.visit, s.until)
		}
	}
}

// stopping is longer than a server takes to stop: until then, nobody signs out.
const stopping = time.Hour

// final says that nobody can resume after such an end: waiting for it would keep
// a user signed in who has signed out.
func final(reason push.Reason) bool {
	return reason == push.ReasonSessionRevoked || reason == push.ReasonSessionExpired || reason == push.ReasonUserSuspended
}

// user returns what is known of a user. The caller holds mu.
func (p *Presence) user(id trade.UserID) *presentUser {
	u := p.users[id]
	if u == nil {
		u = &presentUser{id: id}
		u.ofUser = u
		p.users[id] = u
	}
	return u
}

// plan has a visit looked at no later than a time. The caller holds mu.
func (p *Presence) plan(v *visit, at time.Time) {
	if p.agenda.plan(v, at) {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
}

// Run waits for the directory, takes over who was online before, and then tells
// the engine of every change until ctx ends. It returns nil.
func (p *Presence) Run(ctx context.Context) error {
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
		for {
			due := p.due(time.Now())
			if len(due) == 0 {
				break
			}
			p.carryOut(ctx, due)
			if ctx.Err() != nil {
				return nil
			}
		}
		timer.Reset(p.untilNext())
	}
}

// restore gives those who were online when the server stopped the grace to come
// back.
func (p *Presence) restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := time.Now().Add(p.options.Grace)
	for _, user := range p.directory.Users() {
		if !user.Online {
			continue
		}
		u := p.user(user.ID)
		u.told, u.until = true, until
		p.plan(&u.visit, until)
	}
}

func (p *Presence) untilNext() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.agenda.wait(time.Now())
}

// errand is a command and what to do with its result.
type errand struct {
	command trade.Command
	visit   *visit
	settle  func()
}

// due takes what is to be done now off the agenda, as commands.
func (p *Presence) due(now time.Time) []errand {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errands []errand
	for len(errands) < maxPresenceBatch {
		v := p.agenda.next(now)
		if v == nil {
			break
		}
		if v.ofUser != nil {
			errands = p.lookAtUser(errands, v.ofUser, now)
		} else {
			errands = p.lookAtSession(errands, v.ofSession, now)
		}
	}
	return errands
}

// lookAtUser compares what the engine was told with what is. The caller holds mu.
func (p *Presence) lookAtUser(errands []errand, u *presentUser, now time.Time) []errand {
	online := u.streams > 0 || now.Before(u.until)
	if online == u.told {
		switch {
		case !online:
			delete(p.users, u.id)
		case u.streams == 0:
			p.plan(&u.visit, u.until)
		}
		return errands
	}
	return append(errands, errand{
		command: &trade.SetPresence{Subject: u.id, Online: online},
		visit:   &u.visit,
		settle: func() {
			u.told = online
			// It may have changed meanwhile; if not, this finds nothing to do.
			p.plan(&u.visit, time.Now())
		},
	})
}

// lookAtSession cancels for a session that has stayed away. The caller holds mu.
func (p *Presence) lookAtSession(errands []errand, s *presentSession, now time.Time) []errand {
	switch {
	case !s.away:
		return errands
	case now.Before(s.until):
		p.plan(&s.visit, s.until)
		return errands
	}
	user, _ := p.directory.User(s.user)
	left, until := len(user.Accounts), s.until
	done := func() {
		// A session that has come and gone again meanwhile has another clock.
		if left--; left <= 0 && s.away && s.until.Equal(until) {
			delete(p.sessions, s.id)
		}
	}
	if left == 0 {
		done()
	}
	for _, account := range user.Accounts {
		errands = append(errands, errand{
			command: &trade.MassCancel{
				Actor: trade.Actor{Account: account}, DayOnly: true, Reason: trade.ReasonDisconnected,
			},
			visit:  &s.visit,
			settle: done,
		})
	}
	return errands
}

// carryOut submits commands as one group and plans again what failed.
func (p *Presence) carryOut(ctx context.Context, errands []errand) {
	commands := make([]trade.Command, 0, len(errands))
	for _, e := range errands {
		commands = append(commands, e.command)
	}
	results := p.engine.SubmitAll(ctx, commands)
	var fault error
	p.mu.Lock()
	for i, result := range results {
		// A refusal is final: the user is gone from the venue, or suspended.
		var refusal *trade.Refusal
		if result.Err == nil || errors.As(result.Err, &refusal) {
			errands[i].settle()
			continue
		}
		fault = result.Err
		p.plan(errands[i].visit, time.Now().Add(p.options.Retry))
	}
	p.mu.Unlock()
	if fault != nil && ctx.Err() == nil {
		p.options.Fault(fault)
	}
}
