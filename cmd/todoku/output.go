package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// addJSON gives a command the flag that makes its output one for programs.
func addJSON(command *cobra.Command, asJSON *bool) {
	command.Flags().BoolVar(asJSON, "json", false, "print one JSON object a line")
}

// marshal returns a message in one line of JSON with the schema's field names.
func marshal(m proto.Message) ([]byte, error) {
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

// printMessage prints a message as a line of JSON.
func (a *app) printMessage(m proto.Message) error {
	line, err := marshal(m)
	if err != nil {
		return err
	}
	return a.printLine(line)
}

func (a *app) printLine(line []byte) error {
	_, err := a.out.Write(append(line, '\n'))
	return err
}

// printValue prints what is no message of the API as a line of JSON.
func (a *app) printValue(value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("JSON: %w", err)
	}
	return a.printLine(line)
}

// printf prints for people.
func (a *app) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(a.out, format, args...)
	return err
}

// printAll prints messages of one kind: JSON, a line each, or a table.
func printAll[M proto.Message](a *app, asJSON bool, messages []M, columns []column, row func(M) []string) error {
	if asJSON {
		for _, m := range messages {
			if err := a.printMessage(m); err != nil {
				return err
			}
		}
		return nil
	}
	rows := make([][]string, 0, len(messages))
	for _, m := range messages {
		rows = append(rows, row(m))
	}
	return writeTable(a.out, columns, rows)
}

// column is a column of a table.
type column struct {
	title   string
	numbers bool // aligned at the right
}

// left and right make columns of words and of numbers.
func left(titles ...string) (columns []column) {
	for _, t := range titles {
		columns = append(columns, column{t, false})
	}
	return columns
}

func right(titles ...string) (columns []column) {
	for _, t := range titles {
		columns = append(columns, column{t, true})
	}
	return columns
}

func columns(parts ...[]column) (all []column) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// writeTable prints a table for people. The standard library's tabwriter aligns
// all columns the same way; numbers and words want different ones.
func writeTable(out io.Writer, columns []column, rows [][]string) error {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = utf8.RuneCountInString(c.title)
	}
	for _, row := range rows {
		for i := range row {
			row[i] = oneLine(row[i])
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

// localTime and clockTime show a time in the reader's zone; "" for none.
func localTime(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().Local().Format(time.DateTime)
}

func clockTime(t *timestamppb.Timestamp) string {
	if t == nil {
		return "        "
	}
	return t.AsTime().Local().Format(time.TimeOnly)
}

// word returns an enum's value without its type's prefix, which is for programs.
func word(value fmt.Stringer, prefix string) string {
	return strings.TrimPrefix(value.String(), prefix)
}

// yesNo is for columns of flags.
func yesNo(value bool, yes string) string {
	if value {
		return yes
	}
	return ""
}
