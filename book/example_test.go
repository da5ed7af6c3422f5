package book_test

import (
	"fmt"

	"todoku/book"
)

// An order is matched, its fills are applied, and its remainder rests.
func Example() {
	b := book.New()
	for id, quantity := range []int64{30, 20} {
		if err := b.Rest(uint64(id+1), 7, book.Sell, 15_125, quantity); err != nil {
			fmt.Println(err)
		}
	}
	taker := book.Taker{ID: 3, Owner: 8, Side: book.Buy, Limit: 15_125, HasLimit: true, Quantity: 60}
	var out book.Fills
	left, _ := b.Match(taker, &out)
	for _, f := range out.Fills {
		fmt.Println("order", f.MakerID, "trades", f.Quantity, "at", f.Tick)
		if _, err := b.Fill(f.MakerID, f.Quantity); err != nil {
			fmt.Println(err)
		}
	}
	if err := b.Rest(taker.ID, taker.Owner, taker.Side, taker.Limit, left); err != nil {
		fmt.Println(err)
	}
	tick, quantity, _ := b.Best(book.Buy)
	fmt.Println("best bid", quantity, "at", tick)
	// Output:
	// order 1 trades 30 at 15125
	// order 2 trades 20 at 15125
	// best bid 10 at 15125
}
