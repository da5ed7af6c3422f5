package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// Credentials are what a user signs in with.
type Credentials struct{ User, Password string }

// Market is where a benchmark trades, and as whom. [Prepare] makes one.
type Market struct {
	Symbol string
	// Users buy and sell by turns; an even number.
	Users []Credentials

	run          string // begins the ids of this run's orders
	tick, middle trade.Price
	lot          trade.Quantity
}

// Symbol is the instrument that benchmarks trade. It has no band and no limits, so
// that nothing but the venue's speed decides.
const Symbol = "BENCH"

// signInsAtOnce bounds how many passwords the venue is asked to hash at a time.
const signInsAtOnce = 4

// Prepare makes the benchmark's instrument and that many users on a running venue,
// as an administrator of it. Users of an earlier benchmark get new passwords.
func Prepare(ctx context.Context, venue client.Config, admin Credentials, users int) (_ Market, err error) {
	m := Market{Symbol: Symbol, run: client.NewRequestID()[:8], tick: 1e6, lot: 1e8, middle: 1000 * 1e8}
	all, err := signIn(ctx, venue, []Credentials{admin})
	if err != nil {
		return m, err
	}
	defer all.close()
	calls := all.users[0].client.Admin()
	_, err = calls.UpsertInstrument(ctx, &todokuv1.UpsertInstrumentRequest{
		RequestId: m.run + "-instrument",
		Instrument: &todokuv1.Instrument{
			Symbol: Symbol, Name: "Benchmark", AssetClass: todokuv1.AssetClass_ASSET_CLASS_FUTURE, Currency: "USD",
			TickSize: m.tick.String(), LotSize: m.lot.String(), MinQuantity: m.lot.String(), MaxQuantity: (1_000_000 * m.lot).String(),
			Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN,
		},
	})
	if err != nil {
		return m, fmt.Errorf("bench: instrument: %w", err)
	}
	m.Users, err = createUsers(ctx, calls, users, m.run)
	return m, err
}

// PrepareUsers makes that many users on a running venue, as an administrator of it.
// Users of an earlier benchmark get new passwords.
func PrepareUsers(ctx context.Context, venue client.Config, admin Credentials, users int) ([]Credentials, error) {
	all, err := signIn(ctx, venue, []Credentials{admin})
	if err != nil {
		return nil, err
	}
	defer all.close()
	return createUsers(ctx, all.users[0].client.Admin(), users, client.NewRequestID()[:8])
}

func createUsers(ctx context.Context, calls todokuv1.AdminServiceClient, users int, run string) ([]Credentials, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(signInsAtOnce)
	all := make([]Credentials, users)
	for i := range all {
		all[i] = Credentials{User: "bench-" + strconv.Itoa(i+1), Password: client.NewRequestID()}
		group.Go(func() error { return createUser(ctx, calls, all[i], run) })
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("bench: users: %w", err)
	}
	return all, nil
}

func createUser(ctx context.Context, calls todokuv1.AdminServiceClient, c Credentials, run string) error {
	_, err := calls.CreateUser(ctx, &todokuv1.CreateUserRequest{RequestId: run + "-" + c.User, User: c.User, Password: c.Password})
	if status.Code(err) == codes.AlreadyExists {
		_, err = calls.UpdateUser(ctx, &todokuv1.UpdateUserRequest{RequestId: run + "-" + c.User + "-again", User: c.User, Password: c.Password})
	}
	return err
}

// session is one signed-in user.
type session struct {
	client *client.Client
	access string
}

// token is the access token that the session began with: a run is shorter than
// its life.
func (s *session) token() string { return s.access }

// sessions are the users of a run, signed in.
type sessions struct{ users []*session }

// signIn signs users in, a few at once.
func signIn(ctx context.Context, venue client.Config, users []Credentials) (_ *sessions, err error) {
	venue.ClientName = "todoku bench"
	all := &sessions{users: make([]*session, len(users))}
	defer func() {
		if err != nil {
			all.close()
		}
	}()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(signInsAtOnce)
	for i, u := range users {
		c, err := client.Dial(venue)
		if err != nil {
			return nil, errors.Join(err, group.Wait())
		}
		all.users[i] = &session{client: c}
		group.Go(func() error {
			if err := c.Login(ctx, u.User, u.Password); err != nil {
				return fmt.Errorf("bench: %s: %w", u.User, err)
			}
			all.users[i].access = c.Session().AccessToken
			return nil
		})
	}
	return all, group.Wait()
}

// close ends the connections; the sessions end by themselves.
func (s *sessions) close() {
	for _, u := range s.users {
		if u != nil {
			_ = u.client.Close() // Nothing is under way any more.
		}
	}
}
