package account

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// knownNetworks is how many networks are remembered of one user. A user with a
	// password to an account can only push out own ones.
	knownNetworks = 16
	// knownUsers is how many users are remembered.
	knownUsers = 1 << 16
	// knownFor is how long a sign-in counts, and knownEntries how many sign-ins of the
	// access log are read for it at the start.
	knownFor     = 90 * 24 * time.Hour
	knownEntries = 20 * MaxPage
)

// knownPlaces remembers from which networks ([Network]) each user has signed in. Guesses
// from elsewhere neither take such a caller's place in the gate nor lock the caller out.
// It is filled from the sessions and the access log at the start. A server that sees only
// its proxy's address knows one network, where all guesses come from too.
type knownPlaces struct {
	mu    sync.Mutex // Protects users.
	users map[string]map[string]time.Time
}

// add remembers a sign-in. In place of the oldest network of the user, or without one of
// too many users, it is not remembered, which costs the caller only its precedence.
func (k *knownPlaces) add(user, network string, at time.Time) {
	if network == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	networks := k.users[user]
	if networks == nil {
		if len(k.users) >= knownUsers {
			return
		}
		networks = map[string]time.Time{}
		k.users[user] = networks
	}
	if at.After(networks[network]) {
		networks[network] = at
	}
	if len(networks) > knownNetworks {
		delete(networks, slices.MinFunc(slices.Collect(maps.Keys(networks)), func(a, b string) int {
			return cmp.Or(networks[a].Compare(networks[b]), cmp.Compare(a, b))
		}))
	}
}

func (k *knownPlaces) has(user, network string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	at, ok := k.users[user][network]
	return ok && now.Sub(at) < knownFor
}

// recall fills in what earlier processes saw.
func (s *Service) recall(ctx context.Context, sessions []Session) error {
	for _, session := range sessions {
		s.known.add(session.User, Network(session.RemoteAddr), session.Created)
	}
	query := AccessQuery{AccessFilter: AccessFilter{Kinds: []Kind{SignIn}, From: s.now().Add(-knownFor)}, Limit: MaxPage}
	for range knownEntries / MaxPage {
		entries, err := s.store.Access(ctx, query)
		if err != nil {
			return failed("read sign-ins", err)
		}
		for _, e := range entries {
			s.known.add(e.User, Network(e.RemoteAddr), e.Time)
			query.Before = e.ID
		}
		if len(entries) < query.Limit {
			break
		}
	}
	return nil
}
