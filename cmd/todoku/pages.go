package main

import (
	"google.golang.org/protobuf/proto"
)

// printPages prints up to limit messages of a list that comes in pages, all of
// them for limit 0. As JSON each page is printed when it has come, so that a long
// list needs no memory; a table is printed at the end, when its widths are known.
func printPages[M proto.Message](a *app, asJSON bool, limit uint32, page func(size uint32, token string) ([]M, string, error), columns []column, row func(M) []string) error {
	var all []M
	token, printed := "", uint32(0)
	for {
		size := uint32(maxPage)
		if limit > 0 {
			size = min(size, limit-printed)
		}
		messages, next, err := page(size, token)
		if err != nil {
			return err
		}
		printed += uint32(len(messages))
		if asJSON {
			if err := printAll(a, true, messages, columns, row); err != nil {
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
		if err := printAll(a, false, all, columns, row); err != nil {
			return err
		}
	}
	if token != "" {
		a.say("there are more; --limit 0 shows all\n")
	}
	return nil
}

// done prints the outcome of a request: the reply as JSON, or a sentence.
func (a *app) done(reply proto.Message, asJSON bool, format string, args ...any) error {
	if asJSON {
		return a.printMessage(reply)
	}
	return a.printf(format+"\n", args...)
}
