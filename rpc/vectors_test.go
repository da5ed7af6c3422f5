package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// The screens show administrators at each field why this package would refuse an
// instrument. desktop/test/vectors/instruments.json has its refusals; the screens' tests
// check theirs against it.
//
// To rewrite the file: go test ./rpc -run InstrumentVectors -rewrite.

const instrumentVectorFile = "../desktop/test/vectors/instruments.json"

// instrumentVector is an instrument of a request and the refusal that it gets, empty for
// none. Names are those of the screens' messages.
type instrumentVector struct {
	Symbol          string `json:"symbol"`
	Name            string `json:"name"`
	AssetClass      int32  `json:"assetClass"`
	Currency        string `json:"currency"`
	TickSize        string `json:"tickSize"`
	LotSize         string `json:"lotSize"`
	MinQuantity     string `json:"minQuantity"`
	MaxQuantity     string `json:"maxQuantity"`
	LowLimitPrice   string `json:"lowLimitPrice"`
	HighLimitPrice  string `json:"highLimitPrice"`
	BandBasisPoints uint32 `json:"bandBasisPoints"`
	ReferencePrice  string `json:"referencePrice"`
	Status          int32  `json:"status"`
	StatusReason    string `json:"statusReason"`
	Reason          string `json:"reason"`
	Field           string `json:"field"`
}

func TestInstrumentVectorsOfTheScreensAreTheVenuesRefusals(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 7))
	var got bytes.Buffer
	for i := range 600 {
		v := spoiledInstrument(r)
		_, err := DecodeInstrument(&todokuv1.UpsertInstrumentRequest{RequestId: "v", Instrument: &todokuv1.Instrument{
			Symbol: v.Symbol, Name: v.Name, AssetClass: todokuv1.AssetClass(v.AssetClass), Currency: v.Currency,
			TickSize: v.TickSize, LotSize: v.LotSize, MinQuantity: v.MinQuantity, MaxQuantity: v.MaxQuantity,
			LowLimitPrice: v.LowLimitPrice, HighLimitPrice: v.HighLimitPrice, BandBasisPoints: v.BandBasisPoints,
			ReferencePrice: v.ReferencePrice, Status: todokuv1.TradingStatus(v.Status), StatusReason: v.StatusReason,
		}})
		if err != nil {
			var refusal *trade.Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("%+v: %v", v, err)
			}
			v.Reason, v.Field = refusal.Reason.String(), strings.TrimPrefix(refusal.Field, "instrument.")
		}
		line, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString([]string{"[\n", ",\n"}[min(i, 1)])
		got.Write(line)
	}
	got.WriteString("\n]\n")
	if *rewrite {
		if err := os.WriteFile(instrumentVectorFile, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(instrumentVectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs from the venue's refusals; rewrite it with -rewrite and check the difference", instrumentVectorFile)
	}
}

// spoiledInstrument returns a valid instrument with up to three changed fields, valid or
// not.
func spoiledInstrument(r *rand.Rand) instrumentVector {
	v := instrumentVector{
		Symbol: "USDJPY", Name: "US dollar and yen", AssetClass: 1, Currency: "JPY", TickSize: "0.005", LotSize: "100", MinQuantity: "100", MaxQuantity: "1000000",
		LowLimitPrice: "120", HighLimitPrice: "180", BandBasisPoints: 200, ReferencePrice: "151.25", Status: 2, StatusReason: "",
	}
	pick := func(texts ...string) string { return texts[r.IntN(len(texts))] }
	number := func() string {
		return pick("", "0", "-1", "0.000000001", "1e5", "abc", "1", "0.01", "5", "99.5", "100", "150", "200", "1000", "92233720368.54775808", "92233720368", "0.0025")
	}
	text := func(most int) string {
		return pick("", "a", "円", strings.Repeat("x", most), strings.Repeat("x", most+1), strings.Repeat("円", most/3), strings.Repeat("円", most/3+1), "a\x07b", "a\nb\tc", "a\x7f", "a\u0085b", "a\u200bb")
	}
	for range r.IntN(4) {
		switch r.IntN(14) {
		case 0:
			v.Symbol = pick("", "usdjpy", "USD JPY", "BRK.B/USD", "A-1_2", "円", strings.Repeat("A", 24), strings.Repeat("A", 25), "A\n")
		case 1:
			v.Name = text(100)
		case 2:
			v.AssetClass = int32(r.IntN(6)) - 1
		case 3:
			v.Currency = text(12)
		case 4:
			v.TickSize = number()
		case 5:
			v.LotSize = number()
		case 6:
			v.MinQuantity = number()
		case 7:
			v.MaxQuantity = number()
		case 8:
			v.LowLimitPrice = number()
		case 9:
			v.HighLimitPrice = number()
		case 10:
			v.BandBasisPoints = []uint32{0, 1, 10_000, 10_001, 4_294_967_295}[r.IntN(5)]
		case 11:
			v.ReferencePrice = number()
		case 12:
			v.Status = int32(r.IntN(7)) - 1
		case 13:
			v.StatusReason = text(trade.MaxText)
		}
	}
	return v
}
