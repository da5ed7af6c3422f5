package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
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
		Long: `Prints every record as a line of JSON: its sequence and time, who asked for what, what
was answered and all events. Names are those of the journal's schema; prices,
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
		err = walk(ctx, store, max(after, oldest-1), through, func(_ journal.Record, r *trade.Record) error {
			_, err := out.Write(append(exportRecord(r), '\n'))
			return err
		})
		return errors.Join(err, out.Flush())
	})
}

// exportRecord returns a record as a line of JSON.
func exportRecord(r *trade.Record) []byte {
	w := exporter{'{'}
	w.field("sequence", reflect.ValueOf(r.Sequence))
	w.field("time", reflect.ValueOf(r.Time))
	w.fields(reflect.ValueOf(r.Command))
	w.name("events")
	w.text("[")
	for i, event := range r.Events {
		if i > 0 {
			w.text(",")
		}
		body := reflect.ValueOf(event).Elem()
		w.text("{")
		w.name(snakeCase(body.Type().Name()))
		w.value(body)
		w.text("}")
	}
	w.text("]}")
	return w
}

// exporter writes the journal's types as JSON. It goes by their fields, so that a
// field that is added to an event is exported without anybody thinking of it.
type exporter []byte

func (w *exporter) text(s string) { *w = append(*w, s...) }

// name begins a field.
func (w *exporter) name(name string) {
	if last := (*w)[len(*w)-1]; last != '{' {
		w.text(",")
	}
	w.text(`"` + name + `":`)
}

// field writes a field unless it is zero.
func (w *exporter) field(name string, v reflect.Value) {
	if !v.IsZero() {
		w.name(name)
		w.value(v)
	}
}

// fields writes the fields of a struct; those of an embedded one as its own.
func (w *exporter) fields(v reflect.Value) {
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Anonymous {
			w.fields(v.Field(i))
		} else {
			w.field(snakeCase(f.Name), v.Field(i))
		}
	}
}

func (w *exporter) value(v reflect.Value) {
	switch x := v.Interface().(type) {
	case fmt.Stringer: // Decimal numbers, enums and reasons.
		w.quote(x.String())
	case trade.Role:
		w.roles(x)
	case int64: // Every plain one is a time.
		w.quote(time.Unix(0, x).UTC().Format(time.RFC3339Nano))
	default:
		w.plain(v)
	}
}

// plain writes what JSON knows itself. 64-bit integers are strings, as in the API.
func (w *exporter) plain(v reflect.Value) {
	switch {
	case v.Kind() == reflect.Struct:
		w.text("{")
		w.fields(v)
		w.text("}")
	case v.Kind() == reflect.Slice:
		w.text("[")
		for i := range v.Len() {
			if i > 0 {
				w.text(",")
			}
			w.value(v.Index(i))
		}
		w.text("]")
	case v.Kind() == reflect.String:
		w.quote(v.String())
	case v.Kind() == reflect.Bool:
		*w = strconv.AppendBool(*w, v.Bool())
	case v.Kind() == reflect.Uint64:
		w.quote(strconv.FormatUint(v.Uint(), 10))
	case v.CanUint():
		*w = strconv.AppendUint(*w, v.Uint(), 10)
	case v.CanInt():
		w.quote(strconv.FormatInt(v.Int(), 10))
	}
}

func (w *exporter) roles(r trade.Role) {
	var words []string
	for i, word := range cli.Words[todokuv1.Role]() {
		if r.Has(1 << i) {
			words = append(words, strconv.Quote(word))
		}
	}
	w.text("[" + strings.Join(words, ",") + "]")
}

func (w *exporter) quote(s string) {
	text, err := json.Marshal(s)
	if err != nil {
		panic("todoku: a string has no JSON: " + err.Error()) // encoding/json writes every string.
	}
	*w = append(*w, text...)
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
