package cli

import (
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// MaxPage is the most that the API returns at once.
const MaxPage = 1000

// TimeSpan are the flags of lists that go back in time.
type TimeSpan struct {
	from, to string
	Limit    uint32
}

func (s *TimeSpan) Define(command *cobra.Command, what string) {
	command.Flags().StringVar(&s.from, "from", "", "since this time: -24h, 09:00, \"2026-01-31 09:00\"")
	command.Flags().StringVar(&s.to, "to", "", "before this time")
	command.Flags().Uint32Var(&s.Limit, "limit", 100, "at most so many "+what+", the newest; 0 for all")
}

func (s *TimeSpan) Read(now time.Time) (from, to *timestamppb.Timestamp, err error) {
	if s.from != "" {
		t, err := ParseTime("--from", s.from, now)
		if err != nil {
			return nil, nil, WrongUsage(err)
		}
		from = timestamppb.New(t)
	}
	if s.to != "" {
		t, err := ParseTime("--to", s.to, now)
		if err != nil {
			return nil, nil, WrongUsage(err)
		}
		to = timestamppb.New(t)
	}
	return from, to, nil
}

// PrintPages prints up to limit messages of a list that comes in pages, all of
// them for limit 0. As JSON each page is printed when it has come, so that a long
// list needs no memory; a table is printed at the end, when its widths are known.
func PrintPages[M proto.Message](a *App, asJSON bool, limit uint32, page func(size uint32, token string) ([]M, string, error), columns []Column, row func(M) []string) error {
	var all []M
	token, printed := "", uint32(0)
	for {
		size := uint32(MaxPage)
		if limit > 0 {
			size = min(size, limit-printed)
		}
		messages, next, err := page(size, token)
		if err != nil {
			return err
		}
		printed += uint32(len(messages))
		if asJSON {
			if err := PrintAll(a, true, messages, columns, row); err != nil {
				return err
			}
		} else {
			all = append(all, messages...)
		}
		token = next
		if token == "" || limit > 0 && printed >= limit {
			break
		}
	}
	if !asJSON {
		if err := PrintAll(a, false, all, columns, row); err != nil {
			return err
		}
	}
	if token != "" {
		a.Say("there are more; --limit 0 shows all\n")
	}
	return nil
}

// Done prints the outcome of a request: the reply as JSON, or a sentence.
func (a *App) Done(reply proto.Message, asJSON bool, format string, args ...any) error {
	if asJSON {
		return a.PrintMessage(reply)
	}
	return a.Printf(format+"\n", args...)
}
