package account

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync/atomic"
	"time"
)

// KeySize is the length of an HMAC-SHA-256 key in bytes (RFC 2104: no shorter than the output).
const KeySize = 32

// keyring holds the signing keys in memory for Verify, which reads them without
// a lock. The list is replaced whole, never changed.
type keyring struct {
	keys atomic.Pointer[[]Key]
	// searched is when the store was last asked for an unknown key, in Unix
	// nanoseconds.
	searched atomic.Int64
}

// keySearch is the least time between two searches for unknown keys: anybody can
// write any key's ID into a token.
const keySearch = time.Second

// byID is called at every verification; there are one or two keys.
func (r *keyring) byID(id uint32) (Key, bool) {
	for _, key := range *r.keys.Load() {
		if key.ID == id {
			return key, true
		}
	}
	return Key{}, false
}

// current is the key that signs.
func (r *keyring) current() Key {
	keys := *r.keys.Load()
	return keys[len(keys)-1]
}

// findKey returns a key from memory or, if another process added it, from the store.
func (s *Service) findKey(ctx context.Context, id uint32) (key Key, ok bool, err error) {
	if key, ok = s.keys.byID(id); ok {
		return key, true, nil
	}
	now, last := s.now().UnixNano(), s.keys.searched.Load()
	if now-last < int64(keySearch) || !s.keys.searched.CompareAndSwap(last, now) {
		return Key{}, false, nil
	}
	if _, err := s.readKeys(ctx); err != nil {
		return Key{}, false, err
	}
	key, ok = s.keys.byID(id)
	return key, ok, nil
}

// loadKeys reads the keys and makes the first one. Its number is one that signed none of
// the stored sessions: the keys may be missing because a backup without them was restored.
func (s *Service) loadKeys(ctx context.Context, sessions []Session) error {
	keys, err := s.readKeys(ctx)
	if err != nil || len(keys) > 0 {
		return err
	}
	first := uint32(1)
	for i := range sessions {
		first = max(first, sessions[i].KeyID+1)
	}
	return s.addKey(ctx, first)
}

// ErrNoKeys says that the store has lost its signing keys while the service runs. The keys
// in memory stay in use until a restart.
var ErrNoKeys = errors.New("account: no signing keys are stored any more; a restart makes a new one and signs everybody out")

// followKeys takes over what an administrator has made of the stored keys, and ends the
// sessions whose key is gone.
func (s *Service) followKeys(ctx context.Context) error {
	stored, err := s.store.Keys(ctx)
	if err != nil {
		return failed("read keys", err)
	}
	if len(stored) == 0 {
		return ErrNoKeys
	}
	if !slices.EqualFunc(stored, *s.keys.keys.Load(), func(a, b Key) bool { return a.ID == b.ID }) {
		if _, err := s.readKeys(ctx); err != nil {
			return err
		}
	}
	return s.endAll(ctx, EndRevoked, func(limit int) []string { return s.live.unsigned(&s.keys, limit) })
}

// unsigned returns the IDs of at most limit sessions whose key is gone.
func (r *registry) unsigned(keys *keyring, limit int) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var ids []string
	for id, session := range r.sessions {
		if len(ids) == limit {
			break
		}
		if _, ok := keys.byID(session.KeyID); !ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// readKeys takes over what is stored. Of two that read at once the one that
// began last wins, so no key that was added is missed.
func (s *Service) readKeys(ctx context.Context) ([]Key, error) {
	for {
		old := s.keys.keys.Load()
		keys, err := s.store.Keys(ctx)
		if err != nil {
			return nil, failed("read keys", err)
		}
		if s.keys.keys.CompareAndSwap(old, &keys) {
			return keys, nil
		}
	}
}

// RotateKey makes a new signing key. Tokens signed by the old ones stay good
// until they expire. [Service.Run] calls it every Config.KeyLife.
func (s *Service) RotateKey(ctx context.Context) error {
	return s.addKey(ctx, s.keys.current().ID+1)
}

func (s *Service) addKey(ctx context.Context, id uint32) error {
	key := Key{ID: id, Secret: make([]byte, KeySize), Created: s.now()}
	_, _ = rand.Read(key.Secret) // crypto/rand.Read never fails.
	err := s.write(ctx, "add a key", func(ctx context.Context) error { return s.store.AddKey(ctx, key) })
	if err != nil && !errors.Is(err, ErrConflict) {
		return err
	}
	// After a conflict someone else's new key is as good.
	_, err = s.readKeys(ctx)
	return err
}

// tendKeys rotates a key that is old enough and drops those that can no longer
// have signed a token anyone may show.
func (s *Service) tendKeys(ctx context.Context, now time.Time) error {
	if now.Sub(s.keys.current().Created) >= s.cfg.KeyLife {
		if err := s.RotateKey(ctx); err != nil {
			return err
		}
	}
	keys := *s.keys.keys.Load()
	unused := now.Add(-s.cfg.RefreshTTL - s.cfg.RetryWindow - s.cfg.Grace)
	first := 0
	for first+1 < len(keys) && keys[first+1].Created.Before(unused) {
		first++
	}
	if first == 0 {
		return nil
	}
	err := s.write(ctx, "delete old keys", func(ctx context.Context) error { return s.store.DeleteKeys(ctx, keys[first].ID) })
	if err == nil {
		_, err = s.readKeys(ctx)
	}
	return err
}
