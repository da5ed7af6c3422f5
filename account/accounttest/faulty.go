package accounttest

import (
	"context"
	"errors"
	"sync"

	"todoku/account"
)

// ErrInjected is the error of a failing [Faulty] store.
var ErrInjected = errors.New("accounttest: injected failure")

// Faulty is a store whose writes can be made to fail, as on a full disk, or writes and
// reads, as on a broken one.
type Faulty struct {
	account.Store
	mu    sync.Mutex // protects what follows
	fail  bool
	after bool
	reads bool // Reads of sessions, connections, credentials and the log fail too.
}

// Fail makes writes fail from now on, until Heal. With after, they take effect
// and the failure is reported nevertheless, as when a commit's answer is lost.
func (f *Faulty) Fail(after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail, f.after = true, after
}

// FailAll makes writes and reads fail from now on, until Heal. Keys can be read.
func (f *Faulty) FailAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail, f.after, f.reads = true, false, true
}

func (f *Faulty) readError() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reads {
		return ErrInjected
	}
	return nil
}

// Session implements account.Store.
func (f *Faulty) Session(ctx context.Context, id string) (account.Session, error) {
	if err := f.readError(); err != nil {
		return account.Session{}, err
	}
	return f.Store.Session(ctx, id)
}

// Connections implements account.Store.
func (f *Faulty) Connections(ctx context.Context, session string) ([]account.Connection, error) {
	if err := f.readError(); err != nil {
		return nil, err
	}
	return f.Store.Connections(ctx, session)
}

// Credential implements account.Store.
func (f *Faulty) Credential(ctx context.Context, user string) (account.Credential, error) {
	if err := f.readError(); err != nil {
		return account.Credential{}, err
	}
	return f.Store.Credential(ctx, user)
}

// Access implements account.Store.
func (f *Faulty) Access(ctx context.Context, query account.AccessQuery) ([]account.Entry, error) {
	if err := f.readError(); err != nil {
		return nil, err
	}
	return f.Store.Access(ctx, query)
}

// Heal makes writes work again.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail, f.reads = false, false
}

func (f *Faulty) write(do func() error) error {
	f.mu.Lock()
	fail, after := f.fail, f.after
	f.mu.Unlock()
	if fail && !after {
		return ErrInjected
	}
	err := do()
	if fail && err == nil {
		err = ErrInjected
	}
	return err
}

// AddKey implements account.Store.
func (f *Faulty) AddKey(ctx context.Context, key account.Key) error {
	return f.write(func() error { return f.Store.AddKey(ctx, key) })
}

// DeleteKeys implements account.Store.
func (f *Faulty) DeleteKeys(ctx context.Context, below uint32) error {
	return f.write(func() error { return f.Store.DeleteKeys(ctx, below) })
}

// PutCredential implements account.Store.
func (f *Faulty) PutCredential(ctx context.Context, c account.Credential, keep string) error {
	return f.write(func() error { return f.Store.PutCredential(ctx, c, keep) })
}

// ChangeAttempts implements account.Store.
func (f *Faulty) ChangeAttempts(
	ctx context.Context, subjects []string, change func(account.Failures) account.Failures,
) (changed []account.Failures, err error) {
	err = f.write(func() (err error) {
		changed, err = f.Store.ChangeAttempts(ctx, subjects, change)
		return err
	})
	return changed, err
}

// CreateSession implements account.Store.
func (f *Faulty) CreateSession(ctx context.Context, s account.Session, c account.Connection, credential uint64) error {
	return f.write(func() error { return f.Store.CreateSession(ctx, s, c, credential) })
}

// RotateSession implements account.Store.
func (f *Faulty) RotateSession(ctx context.Context, from, to account.Session) error {
	return f.write(func() error { return f.Store.RotateSession(ctx, from, to) })
}

// EndSessions implements account.Store.
func (f *Faulty) EndSessions(ctx context.Context, ids []string) error {
	return f.write(func() error { return f.Store.EndSessions(ctx, ids) })
}

// CreateConnection implements account.Store.
func (f *Faulty) CreateConnection(ctx context.Context, c account.Connection, replaced string) error {
	return f.write(func() error { return f.Store.CreateConnection(ctx, c, replaced) })
}

// AppendAccess implements account.Store.
func (f *Faulty) AppendAccess(ctx context.Context, list []account.Entry) error {
	return f.write(func() error { return f.Store.AppendAccess(ctx, list) })
}

// Prune implements account.Store.
func (f *Faulty) Prune(ctx context.Context, before account.Horizon) (more bool, err error) {
	err = f.write(func() (err error) {
		more, err = f.Store.Prune(ctx, before)
		return err
	})
	return more, err
}
