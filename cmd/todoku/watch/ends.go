package watch

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/status"

	"todoku/client"
	"todoku/cmd/todoku/cli"
)

// streamLines prints to standard error each change of a feed's state and, for every stream
// that ended, who ended it and why.
type streamLines struct {
	app    *cli.App
	asJSON bool
	last   string
}

func (l *streamLines) status(s client.Status) {
	if l.asJSON {
		l.json(map[string]any{"state": s.State, "cursor": s.Cursor})
		return
	}
	l.line(strings.ToLower(string(s.State)))
}

// end prints how a stream ended, unless the user interrupted it.
func (l *streamLines) end(e client.End) {
	if l.asJSON {
		l.json(map[string]any{"end": jsonEnd(e)})
		return
	}
	if e.By != client.EnderUser {
		l.line(endLine(e))
	}
}

func (l *streamLines) line(text string) {
	if text == l.last {
		return
	}
	l.last = text
	l.app.Say("%s %s\n", l.app.Now().Format(time.TimeOnly), text)
}

func (l *streamLines) json(value map[string]any) {
	value["time"] = l.app.Now().UTC().Format(time.RFC3339Nano)
	line, _ := json.Marshal(value) // It has only texts and numbers, so this cannot fail.
	l.app.Say("%s\n", line)
}

// endLine describes an end in a line. For streams that never began it has no changing
// numbers, so that repeated failures are printed once.
func endLine(e client.End) string {
	what := "no stream"
	if e.Attach != 0 {
		what = fmt.Sprintf("stream %d ended after %s, idle for %s", e.Attach, e.Age.Round(time.Millisecond), e.Idle.Round(time.Millisecond))
	}
	text := fmt.Sprintf("%s: %s, by the %s", what, e.Reason, strings.ToLower(string(e.By)))
	if e.Detail != "" {
		text += ": " + cli.OneLine(e.Detail)
	}
	if e.Succeeded {
		text += "; the next stream had taken over"
	}
	if e.Reason == client.ReasonUnreachable {
		text += " (the venue cannot be reached)"
	}
	if e.Attach == 0 {
		return text
	}
	return fmt.Sprintf("%s; %d responses, %d bytes, up to %s, acknowledged %d", text, e.Responses, e.Bytes, e.Cursor, e.Acknowledged)
}

// jsonEnd returns an end as --json prints it; durations are in milliseconds.
func jsonEnd(e client.End) map[string]any {
	end := map[string]any{
		"by": e.By, "reason": e.Reason, "detail": e.Detail, "code": status.Code(e.Err).String(), "succeeded": e.Succeeded,
		"began": e.Began.UTC().Format(time.RFC3339Nano), "age_ms": e.Age.Milliseconds(), "idle_ms": e.Idle.Milliseconds(),
		"bytes": e.Bytes, "responses": e.Responses, "cursor": e.Cursor, "attach_number": e.Attach,
		"acknowledged": e.Acknowledged, "peer": e.Peer,
	}
	if e.GoAway != nil {
		end["goaway_code"], end["goaway_debug"] = e.GoAway.Code, e.GoAway.Debug
	}
	return end
}
