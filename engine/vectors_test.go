package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"todoku/trade"
)

// The screens compute money and check the venue's rules themselves. The files in
// desktop/test/vectors hold the results of this package and of package trade for many
// numbers and orders, and the screens' tests compare with them.
//
// To rewrite the files: go test ./engine -run Vectors -update.

const vectorFolder = "../desktop/test/vectors"

func TestVectorsOfTheScreensAgreeWithTheVenue(t *testing.T) {
	for name, vectors := range map[string][]any{
		"parse.json":     parseVectors(),
		"notionals.json": notionalVectors(),
		"positions.json": positionVectors(),
		"reasons.json":   reasonVectors(),
		"orders.json":    orderVectors(t),
	} {
		// One on each line, so that a diff shows what changed.
		var got bytes.Buffer
		for i, vector := range vectors {
			got.WriteString([]string{"[\n", ",\n"}[min(i, 1)])
			line, err := json.Marshal(vector)
			if err != nil {
				t.Fatal(err)
			}
			got.Write(line)
		}
		got.WriteString("\n]\n")
		file := filepath.Join(vectorFolder, name)
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs from the venue's results; rewrite it with -update and check the difference", file)
		}
	}
}

type reasonVector struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func reasonVectors() []any {
	var all []any
	for _, r := range trade.Reasons() {
		if r != trade.ReasonNone {
			all = append(all, reasonVector{r.String(), r.Sentence()})
		}
	}
	return all
}

// parseVector is a text and its price: in steps of 1e-8, and as the venue writes it; both
// are empty when the text is not a price.
type parseVector struct {
	Text  string  `json:"text"`
	Units *string `json:"units"`
	Shown *string `json:"shown"`
}

// notionalVector is a product, a sum and a difference of money.
type notionalVector struct {
	Price    string `json:"price"`
	Quantity string `json:"quantity"`
	Notional string `json:"notional"`
	// Another amount; empty where the sum would be too large.
	Other      string `json:"other"`
	Sum        string `json:"sum"`
	Difference string `json:"difference"`
	// Order of the product and the other: -1, 0 or 1.
	Order int    `json:"order"`
	Tick  string `json:"tick"`
	Lot   string `json:"lot"`
	// Why no order can have the price or the quantity; empty where both are valid.
	PriceReason    string `json:"priceReason"`
	QuantityReason string `json:"quantityReason"`
}

type fillVector struct {
	Side     int    `json:"side"`
	Price    string `json:"price"`
	Quantity string `json:"quantity"`
}

// positionVector is what an account holds after fills.
type positionVector struct {
	Fills    []fillVector `json:"fills"`
	Quantity string       `json:"quantity"`
	Cost     string       `json:"cost"`
	Realised string       `json:"realised"`
}

func parseVectors() []any {
	r := rand.New(rand.NewPCG(4, 1))
	var all []any
	for _, text := range parsedTexts(r) {
		v := parseVector{Text: text}
		if p, err := trade.ParsePrice(text); err == nil {
			units, shown := strconv.FormatInt(int64(p), 10), p.String()
			v.Units, v.Shown = &units, &shown
		}
		all = append(all, v)
	}
	return all
}

func notionalVectors() []any {
	r := rand.New(rand.NewPCG(4, 3))
	var all []any
	edges := []int64{0, 1, -1, 100_000_000, -100_000_000, math.MaxInt64, -math.MaxInt64, math.MaxInt64 - 7}
	for i := range 300 {
		price, quantity, other := number(r), number(r), trade.Notional(trade.Price(number(r)), trade.Quantity(number(r)))
		if i < len(edges)*len(edges) {
			price, quantity = edges[i%len(edges)], edges[i/len(edges)]
		}
		p, q := trade.Price(price), trade.Quantity(quantity)
		instrument := testInstrument("X")
		instrument.TickSize, instrument.LotSize = trade.Price(roundStep(r)), trade.Quantity(roundStep(r))
		instrument.MinQuantity, instrument.MaxQuantity = 1, math.MaxInt64
		if r.IntN(2) == 0 && i >= len(edges)*len(edges) {
			p -= p % instrument.TickSize
			q -= q % instrument.LotSize
		}
		n := trade.Notional(p, q)
		v := notionalVector{
			Price: p.String(), Quantity: q.String(), Notional: n.String(), Tick: instrument.TickSize.String(), Lot: instrument.LotSize.String(),
			PriceReason: reasonOf(instrument.CheckPrice("price", p)), QuantityReason: reasonOf(instrument.CheckQuantity("quantity", q)),
		}
		// The sum of two products near the largest is too large for the venue; it refuses
		// such positions long before.
		if n.Hi < 1<<61 && n.Hi > -(1<<61) && other.Hi < 1<<61 && other.Hi > -(1<<61) {
			v.Other, v.Sum, v.Difference, v.Order = other.String(), n.Add(other).String(), n.Sub(other).String(), n.Cmp(other)
		}
		all = append(all, v)
	}
	return all
}

func positionVectors() []any {
	r := rand.New(rand.NewPCG(4, 4))
	var all []any
	for range 40 {
		position := trade.Position{Account: "a", Symbol: "X"}
		var v positionVector
		for range 1 + r.IntN(12) {
			side, p, q := trade.Side(1+r.IntN(2)), trade.Price(1+r.Int64N(1<<45)), trade.Quantity(1+r.Int64N(1<<45))
			position.Fill(side, p, q)
			v.Fills = append(v.Fills, fillVector{int(side), p.String(), q.String()})
		}
		v.Quantity, v.Cost, v.Realised = position.Quantity.String(), position.Cost.String(), position.Realised.String()
		all = append(all, v)
	}
	return all
}

// reasonOf returns the reason of a refusal, or empty.
func reasonOf(err error) string {
	var refusal *trade.Refusal
	if errors.As(err, &refusal) {
		return refusal.Reason.String()
	}
	return ""
}

// number returns a number of random length.
func number(r *rand.Rand) int64 {
	n := int64(r.Uint64() >> (1 + r.IntN(62)))
	if r.IntN(4) == 0 {
		return -n
	}
	return n
}

// roundStep is a tick or lot: one, two or five times a power of ten.
func roundStep(r *rand.Rand) int64 {
	n := []int64{1, 2, 5, 25}[r.IntN(4)]
	for range r.IntN(10) {
		n *= 10
	}
	return n
}

func parsedTexts(r *rand.Rand) []string {
	texts := []string{
		"", "0", "-0", "1", "-1", "01", "007.50", "1.", ".5", "-", "+1", "--1", "1-", "1e5", "1E5", "0x10", "NaN", "Infinity", " 1", "1 ", "1\n", "1\t",
		"1,000", "1_000", "1.2.3", "1..2", "-.5", "-1.", "0.1", "0.00000001", "0.000000001", "0.0000000010", "0.000000010", "1.123456789", "1.123456780", "1.12345678000000000000",
		"92233720368.54775807", "92233720368.54775808", "-92233720368.54775807", "-92233720368.54775808", "92233720368.547758070", "92233720368.547758071",
		"92233720369", "9223372036854775807", "18446744073709551616", "99999999999999999999999999999999999999999", "00000000000000000000000000000000000000001",
		"0000000000000000000000000000000000000001", "0.00000000000000000000000000000000000000", "0.000000000000000000000000000000000000000",
		"１２３", "١٢٣", "१२३", "1２", "1．5", "−5", "½", "1\u00a0000", "\u200b1", "1\x00", "٫5", "¥5", "5%", "1'000", "on", "null",
	}
	for range 200 {
		n := strconv.FormatUint(r.Uint64()>>r.IntN(60), 10)
		places := r.IntN(12)
		if places > 0 && places < len(n) {
			n = n[:len(n)-places] + "." + n[len(n)-places:]
		}
		n += strings.Repeat("0", r.IntN(3)*r.IntN(2))
		if r.IntN(4) == 0 {
			n = "-" + n
		}
		texts = append(texts, n)
	}
	for range 60 {
		// Near the limit of 63 bits.
		near := new(big.Int).Add(big.NewInt(math.MaxInt64), big.NewInt(r.Int64N(9)-4)).String()
		texts = append(texts, near[:len(near)-8]+"."+near[len(near)-8:]+strings.Repeat("0", r.IntN(3)))
	}
	return texts
}
