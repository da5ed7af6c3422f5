package bench

import (
	"context"
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
	// Users buy and sell by turns; an even number.
	Users []Credentials

	run string // begins the ids of this run's orders
}

// Symbol is the instrument that benchmarks trade. It has no band and no limits, so that
// only the venue's speed is measured.
const Symbol = "BENCH"

const (
	tickSize    trade.Price    = 1e6
	middlePrice trade.Price    = 1000 * 1e8
	lotSize     trade.Quantity = 1e8
)

// signInsAtOnce bounds how many passwords the venue is asked to hash at a time.
const signInsAtOnce = 4

// Prepare makes the benchmark's instrument and that many users on a running venue, as its
// administrator. Users of an earlier benchmark get new passwords.
func Prepare(ctx context.Context, on Target, users int) (_ Market, err error) {
	m := Market{run: client.NewRequestID()[:8]}
	all, err := signIn(ctx, on.Venue, on.Admin)
	if err != nil {
		return m, err
	}
	defer closeAll(all)
	calls := all[0].client.Admin()
	_, err = calls.UpsertInstrument(ctx, &todokuv1.UpsertInstrumentRequest{
		RequestId: m.run + "-instrument",
		Instrument: &todokuv1.Instrument{
			Symbol: Symbol, Name: "Benchmark", AssetClass: todokuv1.AssetClass_ASSET_CLASS_FUTURE, Currency: "USD",
			TickSize: tickSize.String(), LotSize: lotSize.String(), MinQuantity: lotSize.String(), MaxQuantity: (1_000_000 * lotSize).String(),
			Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN,
		},
	})
	if err != nil {
		return m, fmt.Errorf("bench: instrument: %w", err)
	}
	m.Users, err = createUsers(ctx, calls, users, m.run)
	return m, err
}

func createUsers(ctx context.Context, calls todokuv1.AdminServiceClient, users int, run string) ([]Credentials, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(signInsAtOnce)
	all := make([]Credentials, users)
	for i := range all {
		c := Credentials{User: "bench-" + strconv.Itoa(i+1), Password: client.NewRequestID()}
		all[i] = c
		group.Go(func() error {
			_, err := calls.CreateUser(ctx, &todokuv1.CreateUserRequest{RequestId: run + "-" + c.User, User: c.User, Password: c.Password})
			if status.Code(err) == codes.AlreadyExists {
				_, err = calls.UpdateUser(ctx, &todokuv1.UpdateUserRequest{RequestId: run + "-" + c.User + "-again", User: c.User, Password: c.Password})
			}
			if err != nil {
				return err
			}
			// A benchmark sends more than the venue's default limits allow.
			_, err = calls.SetRiskLimits(ctx, &todokuv1.SetRiskLimitsRequest{
				RequestId: run + "-" + c.User + "-limits",
				Limits:    &todokuv1.RiskLimits{Account: c.User, MaxOpenOrders: trade.Unlimited, MaxMessagesPerSecond: trade.Unlimited},
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("bench: users: %w", err)
	}
	return all, nil
}

// session is one signed-in user. A run is shorter than the life of its access token.
type session struct {
	client *client.Client
	token  string
}

// signIn signs users in, a few at once. The caller must close the sessions.
func signIn(ctx context.Context, venue client.Config, users ...Credentials) (_ []*session, err error) {
	venue.ClientName = "todoku bench"
	all := make([]*session, len(users))
	defer func() {
		if err != nil {
			closeAll(all)
		}
	}()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(signInsAtOnce)
	for i, u := range users {
		group.Go(func() error {
			c, err := client.Dial(venue)
			if err != nil {
				return err
			}
			all[i] = &session{client: c}
			if err := c.Login(ctx, u.User, u.Password); err != nil {
				return fmt.Errorf("bench: %s: %w", u.User, err)
			}
			all[i].token = c.Session().AccessToken
			return nil
		})
	}
	return all, group.Wait()
}

// closeAll ends the connections; the sessions expire.
func closeAll(all []*session) {
	for _, u := range all {
		if u != nil {
			_ = u.client.Close() // Nothing is under way any more.
		}
	}
}
