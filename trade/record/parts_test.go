package record

import (
	"errors"
	"reflect"
	"testing"

	"todoku/trade"
)

func TestPartsReadBack(t *testing.T) {
	for seed := range uint64(100) {
		want := full(seed).event(t, &trade.ExecutionReport{}).(*trade.ExecutionReport)
		data, err := EncodeReport([]byte("before"), want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeReport(data[len("before"):]); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("read back %+v, wrote %+v (%v)", got, want, err)
		}
		data, err = EncodeOrder(nil, &want.Order)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeOrder(data); err != nil || *got != want.Order {
			t.Fatalf("read back %+v, wrote %+v (%v)", got, want.Order, err)
		}
	}
	if _, err := EncodeOrder(nil, &trade.Order{Side: 9}); !errors.Is(err, ErrUnwritable) {
		t.Errorf("a bad order is written: %v", err)
	}
	if _, err := DecodeReport([]byte{0xff}); !errors.Is(err, ErrMalformed) {
		t.Errorf("a bad report is read: %v", err)
	}
}
