package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Marshal returns a message in one line of JSON with the schema's field names.
func Marshal(m proto.Message) ([]byte, error) {
	loose, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	// protojson varies its spaces on purpose; a line must not.
	var line bytes.Buffer
	if err := json.Compact(&line, loose); err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	return line.Bytes(), nil
}

// PrintLine prints a line and a newline.
func (a *App) PrintLine(line []byte) error {
	_, err := a.Out.Write(append(line, '\n'))
	return err
}

// PrintMessage prints a message of the API as a line of JSON.
func (a *App) PrintMessage(m proto.Message) error {
	line, err := Marshal(m)
	if err != nil {
		return err
	}
	return a.PrintLine(line)
}

// PrintValue prints a value that is not a message of the API as a line of JSON.
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

// Done prints the outcome of a request, unless err is set: the reply as JSON, or a
// sentence.
func (a *App) Done(reply proto.Message, err error, format string, args ...any) error {
	switch {
	case err != nil:
		return err
	case a.JSON:
		return a.PrintMessage(reply)
	}
	return a.Printf(format+"\n", args...)
}

// PrintAll prints messages of one kind, unless err is set: each as a line of JSON, or as
// a row of a table. Titles are as for WriteTable.
func PrintAll[M proto.Message](a *App, messages []M, err error, row func(M) []string, titles ...string) error {
	var rows [][]string
	for _, m := range messages {
		if err == nil && a.JSON {
			err = a.PrintMessage(m)
		}
		rows = append(rows, row(m))
	}
	if err != nil || a.JSON {
		return err
	}
	return WriteTable(a.Out, rows, titles...)
}

// MaxPage is the largest page that the API returns.
const MaxPage = 1000

// Span holds the flags of lists that reach back in time.
type Span struct{ limit uint32 }

// Flags defines the flags; from and to are the fields of the list's request.
func (s *Span) Flags(a *App, command *cobra.Command, from, to **timestamppb.Timestamp, what string) {
	a.TimeFlag(command.Flags(), from, "from", "since this time: -24h, 09:00, \"2026-01-31 09:00\"")
	a.TimeFlag(command.Flags(), to, "to", "before this time")
	command.Flags().Uint32Var(&s.limit, "limit", 100, "at most this many "+what+", the newest; 0 for all")
}

// PrintPages prints a list that comes in pages, up to the span's limit. JSON is printed
// page by page, so that a long list needs little memory; a table is printed at the end,
// when the widths of its columns are known.
func PrintPages[M proto.Message](a *App, s *Span, page func(size uint32, token string) ([]M, string, error), row func(M) []string, titles ...string) error {
	var all []M
	token, count := "", uint32(0)
	for more := true; more; more = token != "" && (s.limit == 0 || count < s.limit) {
		size := uint32(MaxPage)
		if s.limit > 0 {
			size = min(size, s.limit-count)
		}
		messages, next, err := page(size, token)
		if err != nil {
			return err
		}
		token = next
		count += uint32(len(messages))
		all = append(all, messages...)
		if a.JSON {
			if err := PrintAll(a, all, nil, row); err != nil {
				return err
			}
			all = nil
		}
	}
	if token != "" {
		defer a.Say("there are more; --limit 0 shows all\n")
	}
	return PrintAll(a, all, nil, row, titles...)
}

// WriteTable prints a table for people. A title that begins with ">" is that of numbers,
// which are aligned at the right; the standard library's tabwriter aligns all columns in
// the same way.
func WriteTable(out io.Writer, rows [][]string, titles ...string) error {
	head, widths := make([]string, len(titles)), make([]int, len(titles))
	for i, title := range titles {
		head[i] = strings.TrimPrefix(title, ">")
	}
	rows = append([][]string{head}, rows...)
	for _, row := range rows {
		for i := range row {
			row[i] = OneLine(row[i])
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	var text strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			width := widths[i]
			if !strings.HasPrefix(titles[i], ">") {
				width = -width // Aligned at the left.
			}
			row[i] = fmt.Sprintf("%*s", width, cell)
		}
		text.WriteString(strings.TrimRight(strings.Join(row, "  "), " ") + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// LocalTime shows a time in the reader's zone, or "" for nil.
func LocalTime(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().Local().Format(time.DateTime)
}

// FormatUint writes a number for a table.
func FormatUint[N uint32 | uint64](n N) string { return strconv.FormatUint(uint64(n), 10) }

// Count writes a number of things: "1 order", "2 orders".
func Count(n uint32, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Bytes rounds a size for reading.
func Bytes(n uint64) string {
	for i, unit := range []string{"B", "KiB", "MiB"} {
		if size := n >> (10 * i); size < 10*1024 {
			return fmt.Sprintf("%d %s", size, unit)
		}
	}
	return fmt.Sprintf("%d GiB", n>>30)
}
