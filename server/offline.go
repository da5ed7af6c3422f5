package server

import (
	"context"
	"errors"
	"time"

	"todoku/account"
	"todoku/engine"
	"todoku/journal"
	"todoku/trade"
)

// Offline administers a venue that is not running, on its own machine and with
// the rights of whoever may write its files: the way to the first administrator.
// It goes through the same engine as a running server.
type Offline struct {
	// Accounts sets passwords.
	Accounts *account.Service

	storage *storage
	engine  *engine.Engine
	stop    context.CancelFunc
	stopped chan error
}

// OpenOffline takes the data directory, which it makes if it is not there. It is
// refused with sqlite.ErrLocked beside a running server. The zero accounts takes
// the defaults of a server.
func OpenOffline(ctx context.Context, dir string, accounts account.Config) (*Offline, error) {
	config := Config{Data: dir}.withDefaults()
	storage, err := openStorage(ctx, &config, func(store journal.Store) journal.Store { return store })
	if err != nil {
		return nil, err
	}
	service, err := account.NewService(ctx, storage.accounts, accounts)
	if err != nil {
		return nil, errors.Join(err, storage.close())
	}
	e, err := engine.Open(ctx, storage.log, engine.Options{Clock: time.Now})
	if err != nil {
		return nil, errors.Join(err, storage.close())
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	o := &Offline{Accounts: service, storage: storage, engine: e, stop: stop, stopped: make(chan error, 1)}
	go func() { o.stopped <- e.Run(run) }()
	return o, nil
}

// Submit puts a command to the engine, as the venue itself where it has no user.
func (o *Offline) Submit(ctx context.Context, command trade.Command) (trade.Answer, error) {
	return o.engine.Submit(ctx, command)
}

// Close leaves the venue as it is now. It must be called once.
func (o *Offline) Close(ctx context.Context) error {
	o.stop()
	return errors.Join(<-o.stopped, o.Accounts.Flush(ctx), o.storage.close())
}
