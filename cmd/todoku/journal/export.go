package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/journal"
	"todoku/trade"
)

func exportCommand(a *cli.App) *cobra.Command {
	var after, through uint64
	command := &cobra.Command{
		Use: "export", Short: "Print every record as a line of JSON",
		Long: `Prints every record as a line of JSON: its sequence and time, the command and its user,
the answer and all events. Names are those of the journal's schema; prices,
quantities and money are decimal strings, exact; times are RFC 3339; what is zero or
empty is left out.`,
		Example: "  todoku journal export --data ./data > journal.jsonl\n  todoku journal export --after 120000",
	}
	command.Flags().Uint64Var(&after, "after", 0, "records after this sequence")
	command.Flags().Uint64Var(&through, "through", 0, "up to this one; the newest when 0")
	return withStore(command, func(ctx context.Context, _ string, store journal.Store) error {
		oldest, head, err := store.Bounds(ctx)
		if err != nil {
			return err
		}
		if through == 0 || through > head {
			through = head
		}
		if after != 0 && after+1 < oldest {
			return fmt.Errorf("the journal begins at %d: %w", oldest, journal.ErrCompacted)
		}
		out := bufio.NewWriter(a.Out)
		err = journal.Walk(ctx, store, max(after, oldest-1), through, func(stored journal.Record) error {
			r, err := decode(stored)
			if err == nil {
				_, err = out.Write(append(exportRecord(r), '\n'))
			}
			return err
		})
		return errors.Join(err, out.Flush())
	})
}

// exportRecord returns a record as a line of JSON. It reads the fields of the journal's
// types by reflection, so that a new field of an event is exported without a change here.
func exportRecord(r *trade.Record) []byte {
	parts := appendField(nil, "sequence", reflect.ValueOf(r.Sequence))
	parts = appendField(parts, "time", reflect.ValueOf(r.Time))
	parts = appendFields(parts, reflect.ValueOf(r.Command))
	var events []string
	for _, event := range r.Events {
		body := reflect.ValueOf(event).Elem()
		events = append(events, "{"+quote(snakeCase(body.Type().Name()))+":"+valueJSON(body)+"}")
	}
	return []byte("{" + strings.Join(append(parts, `"events":[`+strings.Join(events, ",")+"]"), ",") + "}")
}

// appendField appends a field unless it is zero.
func appendField(parts []string, name string, v reflect.Value) []string {
	if v.IsZero() {
		return parts
	}
	return append(parts, quote(name)+":"+valueJSON(v))
}

// appendFields appends the fields of a struct, and those of an embedded struct as its own.
func appendFields(parts []string, v reflect.Value) []string {
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Anonymous {
			parts = appendFields(parts, v.Field(i))
		} else {
			parts = appendField(parts, snakeCase(f.Name), v.Field(i))
		}
	}
	return parts
}

// valueJSON writes a value. 64-bit integers are strings, as in the API.
func valueJSON(v reflect.Value) string {
	var items []string
	switch x := v.Interface().(type) {
	case fmt.Stringer: // Decimal numbers, enums and reasons.
		return quote(x.String())
	case trade.Role:
		for i, word := range cli.Words[todokuv1.Role]() {
			if x.Has(1 << i) {
				items = append(items, quote(word))
			}
		}
		return "[" + strings.Join(items, ",") + "]"
	case int64: // Every plain one is a time.
		return quote(time.Unix(0, x).UTC().Format(time.RFC3339Nano))
	}
	switch {
	case v.Kind() == reflect.Struct:
		return "{" + strings.Join(appendFields(nil, v), ",") + "}"
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			items = append(items, valueJSON(v.Index(i)))
		}
		return "[" + strings.Join(items, ",") + "]"
	case v.Kind() == reflect.String:
		return quote(v.String())
	case v.Kind() == reflect.Uint64 || v.CanInt():
		return quote(fmt.Sprint(v))
	}
	return fmt.Sprint(v) // Booleans and small integers.
}

func quote(s string) string {
	text, _ := json.Marshal(s) // It cannot fail for a string.
	return string(text)
}

// snakeCase turns a Go name into a schema name: ClientOrderID, client_order_id.
func snakeCase(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
