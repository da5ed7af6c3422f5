package trade_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"todoku/trade"
)

// TestFillsCreateAndLoseNoMoney adds random trades and checks after each that the money
// received less the money paid is exactly the result less the cost of the open position:
// rounding moves money between the two and never loses any.
func TestFillsCreateAndLoseNoMoney(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	for round := range 300 {
		p := trade.Position{Account: "a", Symbol: "S"}
		cash, held := new(big.Int), int64(0)
		for range 60 {
			side := trade.Side(1 + r.IntN(2))
			price := 1 + int64(r.Uint64N(1<<(1+r.IntN(44))))
			quantity := 1 + int64(r.Uint64N(1<<(1+r.IntN(44))))
			if r.IntN(6) == 0 && held != 0 {
				// Close to the last unit.
				side, quantity = trade.SideSell, held
				if held < 0 {
					side, quantity = trade.SideBuy, -held
				}
			}
			p.Fill(side, trade.Price(price), trade.Quantity(quantity))
			money := new(big.Int).Mul(big.NewInt(price), big.NewInt(quantity))
			if side == trade.SideBuy {
				held += quantity
				cash.Sub(cash, money)
			} else {
				held -= quantity
				cash.Add(cash, money)
			}
			switch {
			case int64(p.Quantity) != held:
				t.Fatalf("round %d: holds %d, bought less sold is %d", round, p.Quantity, held)
			case exact(p.Realised.Sub(p.Cost)).Cmp(cash) != 0:
				t.Fatalf("round %d: result %v less cost %v is not the cash %v", round, exact(p.Realised), exact(p.Cost), cash)
			case held == 0 && p.Cost.Sign() != 0:
				t.Fatalf("round %d: nothing is held at a cost of %v", round, p.Cost)
			case held > 0 && p.Cost.Sign() < 0 || held < 0 && p.Cost.Sign() > 0:
				t.Fatalf("round %d: %d is held at a cost of %v", round, held, p.Cost)
			}
		}
	}
}

func TestFillsChangePositionsAsATraderExpects(t *testing.T) {
	type fill struct {
		side            trade.Side
		price, quantity string
	}
	for _, c := range []struct {
		name                     string
		fills                    []fill
		quantity, cost, realised string
	}{
		{"open long", []fill{{trade.SideBuy, "100", "2"}}, "2", "200", "0"},
		{"open short", []fill{{trade.SideSell, "100", "2"}}, "-2", "-200", "0"},
		{"add", []fill{{trade.SideBuy, "100", "2"}, {trade.SideBuy, "110", "1"}}, "3", "310", "0"},
		{"close half with a gain", []fill{{trade.SideBuy, "100", "2"}, {trade.SideSell, "105", "1"}}, "1", "100", "5"},
		{"close short with a loss", []fill{{trade.SideSell, "100", "2"}, {trade.SideBuy, "101.5", "2"}}, "0", "0", "-3"},
		{"turn around", []fill{{trade.SideBuy, "100", "2"}, {trade.SideSell, "110", "5"}}, "-3", "-330", "20"},
		{
			"a third that does not divide",
			[]fill{{trade.SideBuy, "0.1", "1"}, {trade.SideBuy, "0.1", "2"}, {trade.SideSell, "0.2", "1"}},
			"2", "0.2", "0.1",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p trade.Position
			for _, f := range c.fills {
				price, err := trade.ParsePrice(f.price)
				if err != nil {
					t.Fatal(err)
				}
				quantity, err := trade.ParseQuantity(f.quantity)
				if err != nil {
					t.Fatal(err)
				}
				p.Fill(f.side, price, quantity)
			}
			if p.Quantity.String() != c.quantity || p.Cost.String() != c.cost || p.Realised.String() != c.realised {
				t.Errorf("%v at %v, realised %v; want %s at %s, realised %s",
					p.Quantity, p.Cost, p.Realised, c.quantity, c.cost, c.realised)
			}
		})
	}
}
