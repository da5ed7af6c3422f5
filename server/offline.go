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

// Offline administers a venue that is not running, for example to make the first
// administrator. It needs write access to the venue's files, and uses the same engine as
// a running server.
type Offline struct {
	// Accounts sets passwords.
	Accounts *account.Service

	storage *Storage
	log     *journal.Log
	engine  *engine.Engine
	stop    context.CancelFunc
	stopped chan error
}

// OpenOffline opens journal and accounts of the storage at url, with the errors of
// [OpenStorage]. It does not open the history, which may be damaged or of a newer
// version. The zero accounts takes the defaults of a server.
func OpenOffline(ctx context.Context, url string, accounts account.Config) (_ *Offline, err error) {
	o := &Offline{stopped: make(chan error, 1)}
	if o.storage, err = openCore(ctx, url); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.storage.Close())
		}
	}()
	if o.Accounts, err = account.NewService(ctx, o.storage.Accounts, accounts); err != nil {
		return nil, err
	}
	if o.log, err = journal.Open(ctx, o.storage.Journal, journal.Options{}); err != nil {
		return nil, err
	}
	if o.engine, err = engine.Open(ctx, o.log, engine.Options{Clock: time.Now}); err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	o.stop = stop
	go func() { o.stopped <- o.engine.Run(run) }()
	return o, nil
}

// Submit submits a command to the engine, for the venue itself if it has no user.
func (o *Offline) Submit(ctx context.Context, command trade.Command) (trade.Answer, error) {
	return o.engine.Submit(ctx, command)
}

// Close closes the venue. It must be called once.
func (o *Offline) Close(ctx context.Context) error {
	o.stop()
	err := errors.Join(<-o.stopped, o.Accounts.Flush(ctx))
	o.log.Close()
	return errors.Join(err, o.storage.Close())
}
