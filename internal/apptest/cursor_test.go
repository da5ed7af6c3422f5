package apptest_test

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"

	"google.golang.org/grpc/codes"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// TestEveryQueryReadsItsClientsOwnWrites asks every query right after a write, with the
// cursor that the write was answered with.
func TestEveryQueryReadsItsClientsOwnWrites(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice, bob, admin := app.SignIn("alice"), app.SignIn("bob"), app.SignIn("admin")
	ctx := t.Context()
	// Enough at once to keep the views behind for a while.
	carol := app.SignIn("carol")
	batch := &todokuv1.PlaceOrdersRequest{}
	for i := range 1000 {
		batch.Orders = append(batch.Orders, apptest.Limit(strconv.Itoa(i), "USDJPY", buy, "1", "130"))
	}
	placed, err := carol.Orders.PlaceOrders(ctx, batch)
	if err != nil {
		t.Fatal(err)
	}
	book, err := carol.Market.GetBook(ctx, &todokuv1.GetBookRequest{Symbol: "USDJPY", WaitFor: placed.GetAnswers()[999].GetCursor()})
	if err != nil || book.GetBids()[0].GetOrders() != 1000 {
		t.Errorf("after 1,000 orders the book is %v, %v", book, err)
	}
	for i := range 30 {
		n := strconv.Itoa(i)
		alice.Place(apptest.Limit("m"+n, "USDJPY", sell, "1", "150"))
		taken := bob.Place(apptest.Limit("t"+n, "USDJPY", buy, "1", "150"))
		at := taken.GetCursor()
		trades, err := bob.Market.ListTrades(ctx, &todokuv1.ListTradesRequest{Symbol: "USDJPY", PageSize: 1, WaitFor: at})
		if err != nil || trades.GetTrades()[0].GetTradeId() != strconv.Itoa(i+1) {
			t.Fatalf("trade %d: %v, %v", i, trades, err)
		}
		rest := bob.Place(apptest.Limit("r"+n, "USDJPY", buy, "1", "140"))
		at = rest.GetCursor()
		order, err := bob.Orders.GetOrder(ctx, &todokuv1.GetOrderRequest{OrderId: rest.GetOrderId(), WaitFor: at})
		if err != nil || order.GetOrder().GetClientOrderId() != "r"+n {
			t.Fatalf("order %d: %v, %v", i, order, err)
		}
		for _, working := range []bool{true, false} {
			orders, err := bob.Orders.ListOrders(ctx, &todokuv1.ListOrdersRequest{WorkingOnly: working, PageSize: 1, WaitFor: at})
			if err != nil || orders.GetOrders()[0].GetOrderId() != rest.GetOrderId() {
				t.Fatalf("orders %d: %v, %v", i, orders, err)
			}
		}
		executions, err := bob.Orders.ListExecutions(ctx, &todokuv1.ListExecutionsRequest{PageSize: 1, WaitFor: at})
		if err != nil || executions.GetExecutions()[0].GetOrder().GetOrderId() != rest.GetOrderId() {
			t.Fatalf("executions %d: %v, %v", i, executions, err)
		}
		positions, err := bob.Orders.ListPositions(ctx, &todokuv1.ListPositionsRequest{WaitFor: at})
		if err != nil || positions.GetPositions()[0].GetQuantity() != strconv.Itoa(i+1) {
			t.Fatalf("positions %d: %v, %v", i, positions, err)
		}
		book, err := bob.Market.GetBook(ctx, &todokuv1.GetBookRequest{Symbol: "USDJPY", WaitFor: at})
		if err != nil || book.GetBids()[0].GetQuantity() != strconv.Itoa(i+1) || book.GetBids()[0].GetOrders() != uint32(i+1) {
			t.Fatalf("book %d: %v, %v", i, book, err)
		}
		status, err := admin.Admin.SetTradingStatus(ctx, &todokuv1.SetTradingStatusRequest{RequestId: n, Symbol: "DISC", Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN, Reason: n})
		if err != nil {
			t.Fatal(err)
		}
		instruments, err := bob.Market.ListInstruments(ctx, &todokuv1.ListInstrumentsRequest{WaitFor: status.GetCursor()})
		if err != nil || instruments.GetInstruments()[0].GetStatusReason() != n {
			t.Fatalf("instruments %d: %v, %v", i, instruments, err)
		}
	}
}

// TestAQueryThatWaitsForAnInventedCursorIsRefusedAtOnce covers every query that
// waits.
func TestAQueryThatWaitsForAnInventedCursorIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	d := app.SignIn("alice")
	now, err := d.Market.ListInstruments(t.Context(), &todokuv1.ListInstrumentsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	ahead := now.GetCursor() + "0000"
	for name, ask := range map[string]func(ctx context.Context, at string) error{
		"order": func(ctx context.Context, at string) error {
			_, err := d.Orders.GetOrder(ctx, &todokuv1.GetOrderRequest{OrderId: "1", WaitFor: at})
			return err
		},
		"orders": func(ctx context.Context, at string) error {
			_, err := d.Orders.ListOrders(ctx, &todokuv1.ListOrdersRequest{WaitFor: at})
			return err
		},
		"executions": func(ctx context.Context, at string) error {
			_, err := d.Orders.ListExecutions(ctx, &todokuv1.ListExecutionsRequest{WaitFor: at})
			return err
		},
		"positions": func(ctx context.Context, at string) error {
			_, err := d.Orders.ListPositions(ctx, &todokuv1.ListPositionsRequest{WaitFor: at})
			return err
		},
		"instruments": func(ctx context.Context, at string) error {
			_, err := d.Market.ListInstruments(ctx, &todokuv1.ListInstrumentsRequest{WaitFor: at})
			return err
		},
		"book": func(ctx context.Context, at string) error {
			_, err := d.Market.GetBook(ctx, &todokuv1.GetBookRequest{Symbol: "USDJPY", WaitFor: at})
			return err
		},
		"trades": func(ctx context.Context, at string) error {
			_, err := d.Market.ListTrades(ctx, &todokuv1.ListTradesRequest{Symbol: "USDJPY", WaitFor: at})
			return err
		},
	} {
		for _, at := range []string{ahead, "another:1", "x", ":"} {
			err := ask(t.Context(), at)
			if err == nil {
				t.Errorf("%s answered as of %s", name, at)
				continue
			}
			wantRefusal(t, err, codes.InvalidArgument, "BAD_CURSOR", "wait_for")
		}
	}
}

// TestAQueryThatWaitsForAHangingHistoryEndsAtItsDeadline has the venue
// impose the deadline: this client names none.
func TestAQueryThatWaitsForAHangingHistoryEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice := app.SignIn("alice")
	defer holdFile(t, filepath.Join(app.Data(), "history.db"))()
	answer := alice.Place(apptest.Limit("a", "USDJPY", buy, "1", "150"))
	_, err := alice.Orders.ListExecutions(t.Context(), &todokuv1.ListExecutionsRequest{WaitFor: answer.GetCursor()})
	wantRefusal(t, err, codes.DeadlineExceeded, "DEADLINE", "")
	// Queries of the views do not wait for the history.
	if _, err := alice.Orders.GetOrder(t.Context(), &todokuv1.GetOrderRequest{ClientOrderId: "a", WaitFor: answer.GetCursor()}); err != nil {
		t.Error(err)
	}
}
