package bench

import (
	"context"
	"fmt"
)

// Idle attaches clients that have nothing to receive and measures what they cost
// the server in memory: resident memory after Duration less what it was before they
// came, by the number of TCP connections.
//
// restart, where it is not nil, starts the server anew between the signing in, which
// needs much memory for a moment, and the attaching, and returns its process.
func Idle(ctx context.Context, config PushConfig, restart func(context.Context) (pid int, err error)) (PushResult, error) {
	if config.ServerPID == 0 {
		return PushResult{}, fmt.Errorf("%w: memory needs the server's process", ErrConfig)
	}
	r, err := newPushRun(ctx, config)
	if err != nil {
		return PushResult{}, err
	}
	defer r.close()
	pid := r.config.ServerPID
	if restart != nil {
		if pid, err = restart(ctx); err != nil {
			return PushResult{}, err
		}
	}
	before, err := processMemory(pid)
	if err != nil {
		return PushResult{}, err
	}
	if err := r.clients.attach(ctx); err != nil {
		return PushResult{}, err
	}
	never := func() bool { return false }
	if _, err := r.clients.until(ctx, r.clients.now()+r.config.Duration, never); err != nil {
		return PushResult{}, err
	}
	after, err := processMemory(pid)
	if err != nil {
		return PushResult{}, err
	}
	each := (after - before) / int64(r.config.Connections)
	result := r.blank("idle")
	result.IdleBytes, result.Ended = &each, r.clients.ends
	if r.clients.firstEnd != nil {
		result.FirstEnd = r.clients.firstEnd.Error()
	}
	return result, nil
}
