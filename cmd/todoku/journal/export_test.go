package journal

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"todoku/trade"
)

// TestEveryEventIsExported goes by the types, so that an event whose fields the
// export cannot write is found when it is added.
func TestEveryEventIsExported(t *testing.T) {
	for _, event := range []trade.Event{
		&trade.ExecutionReport{}, &trade.CancelRejected{}, &trade.TradeChanged{}, &trade.LevelChanged{}, &trade.PositionChanged{},
		&trade.InstrumentChanged{}, &trade.UserChanged{}, &trade.PresenceChanged{}, &trade.LimitsChanged{}, &trade.Announced{},
		&trade.VenueChanged{}, &trade.DayEnded{},
	} {
		leaves := fill(t, reflect.ValueOf(event).Elem())
		line := exportRecord(&trade.Record{Sequence: 7, Time: 1, Events: []trade.Event{event}})
		var object struct{ Events []map[string]any }
		if err := json.Unmarshal(line, &object); err != nil {
			t.Fatalf("%T: %v: %s", event, err, line)
		}
		if n := values(object.Events[0]); n != leaves {
			t.Errorf("%T: %d values written of %d: %s", event, n, leaves, line)
		}
	}
	line := string(exportRecord(&trade.Record{Sequence: 7, Time: 1, Events: []trade.Event{&trade.UserChanged{
		User: trade.User{ID: "al\"ice", Roles: trade.RoleRisk | trade.RoleAdmin},
	}}}))
	for _, want := range []string{
		`"sequence":"7"`, `"time":"1970-01-01T00:00:00.000000001Z"`, `"user_changed":{"user":{"id":"al\"ice","roles":["RISK","ADMIN"]}}`,
	} {
		if !strings.Contains(line, want) {
			t.Errorf("%q is not in:\n%s", want, line)
		}
	}
}

// fill gives every field a value that is not zero and returns how many there are.
func fill(t *testing.T, v reflect.Value) (leaves int) {
	t.Helper()
	switch {
	case v.Type() == reflect.TypeFor[trade.Amount]():
		v.Set(reflect.ValueOf(trade.Amount{Lo: 1}))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			leaves += fill(t, v.Field(i))
		}
		return leaves
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return fill(t, v.Index(0))
	case v.Kind() == reflect.String:
		v.SetString("x")
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanUint():
		v.SetUint(1)
	case v.CanInt():
		v.SetInt(1)
	default:
		t.Fatalf("the export knows no %s", v.Type())
	}
	return 1
}

// values counts the values in an object of JSON.
func values(value any) (n int) {
	switch value := value.(type) {
	case map[string]any:
		for _, each := range value {
			n += values(each)
		}
		return n
	case []any:
		for _, each := range value {
			n += values(each)
		}
		return n
	}
	return 1
}
