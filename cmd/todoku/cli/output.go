package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Call runs one request of a signed-in user.
func Call[Request, Reply any](ctx context.Context, rpc func(context.Context, Request, ...grpc.CallOption) (Reply, error), request Request, use func(Reply) error) error {
	reply, err := rpc(ctx, request)
	if err != nil {
		return err
	}
	return use(reply)
}

// SayBytes rounds a size for reading.
func SayBytes(n uint64) string {
	for i, unit := range []string{"B", "KiB", "MiB"} {
		if size := n >> (10 * i); size < 10*1024 {
			return fmt.Sprintf("%d %s", size, unit)
		}
	}
	return fmt.Sprintf("%d GiB", n>>30)
}

func FormatUint[N uint32 | uint64](n N) string { return strconv.FormatUint(uint64(n), 10) }

// AddJSON gives a command the flag that makes its output one for programs.
func AddJSON(command *cobra.Command, asJSON *bool) {
	command.Flags().BoolVar(asJSON, "json", false, "print one JSON object a line")
}

// Marshal returns a message in one line of JSON with the schema's field names.
func Marshal(m proto.Message) ([]byte, error) {
	loose, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	// The package varies its spaces on purpose; a line should not.
	var line bytes.Buffer
	if err := json.Compact(&line, loose); err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	return line.Bytes(), nil
}

// PrintMessage prints a message as a line of JSON.
func (a *App) PrintMessage(m proto.Message) error {
	line, err := Marshal(m)
	if err != nil {
		return err
	}
	return a.PrintLine(line)
}

func (a *App) PrintLine(line []byte) error {
	_, err := a.Out.Write(append(line, '\n'))
	return err
}

// PrintValue prints what is no message of the API as a line of JSON.
func (a *App) PrintValue(value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("JSON: %w", err)
	}
	return a.PrintLine(line)
}

// Printf prints for people.
func (a *App) Printf(format string, args ...any) error {
	_, err := fmt.Fprintf(a.Out, format, args...)
	return err
}

// PrintAll prints messages of one kind: JSON, a line each, or a table.
func PrintAll[M proto.Message](a *App, asJSON bool, messages []M, columns []Column, row func(M) []string) error {
	if asJSON {
		for _, m := range messages {
			if err := a.PrintMessage(m); err != nil {
				return err
			}
		}
		return nil
	}
	rows := make([][]string, 0, len(messages))
	for _, m := range messages {
		rows = append(rows, row(m))
	}
	return WriteTable(a.Out, columns, rows)
}

// Column is a column of a table.
type Column struct {
	title   string
	numbers bool // aligned at the right
}

// Left and right make columns of words and of numbers.
func Left(titles ...string) (columns []Column) {
	for _, t := range titles {
		columns = append(columns, Column{t, false})
	}
	return columns
}

func Right(titles ...string) (columns []Column) {
	for _, t := range titles {
		columns = append(columns, Column{t, true})
	}
	return columns
}

func Columns(parts ...[]Column) (all []Column) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// WriteTable prints a table for people. The standard library's tabwriter aligns
// all columns the same way; numbers and words want different ones.
func WriteTable(out io.Writer, columns []Column, rows [][]string) error {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = utf8.RuneCountInString(c.title)
	}
	for _, row := range rows {
		for i := range row {
			row[i] = OneLine(row[i])
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	var text strings.Builder
	line := func(cells []string) {
		var b strings.Builder
		for i, cell := range cells {
			if i > 0 {
				b.WriteString("  ")
			}
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if columns[i].numbers {
				b.WriteString(space + cell)
			} else {
				b.WriteString(cell + space)
			}
		}
		text.WriteString(strings.TrimRight(b.String(), " ") + "\n")
	}
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.title
	}
	line(titles)
	for _, row := range rows {
		line(row)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// LocalTime and clockTime show a time in the reader's zone; "" for none.
func LocalTime(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().Local().Format(time.DateTime)
}

func ClockTime(t *timestamppb.Timestamp) string {
	if t == nil {
		return "        "
	}
	return t.AsTime().Local().Format(time.TimeOnly)
}

// Word returns an enum's value without its type's prefix, which is for programs.
func Word(value fmt.Stringer, prefix string) string {
	return strings.TrimPrefix(value.String(), prefix)
}

// YesNo is for columns of flags.
func YesNo(value bool, yes string) string {
	if value {
		return yes
	}
	return ""
}
