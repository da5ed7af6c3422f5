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

// What a watch says on standard error: how the stream stands and, of every stream
// that ended, who ended it and why. It is what somebody reads who asks why a screen
// went grey.

// streamLines tells how a feed stands, each change once.
type streamLines struct {
	app    *cli.App
	asJSON bool
	said   string
}

// status tells a change of state.
func (l *streamLines) status(s client.Status) {
	if l.asJSON {
		l.json(map[string]any{"state": s.State, "cursor": s.Cursor})
		return
	}
	l.line(strings.ToLower(string(s.State)))
}

// end tells how a stream ended. What a person interrupted needs no telling.
func (l *streamLines) end(e client.End) {
	if l.asJSON {
		l.json(map[string]any{"end": jsonEnd(e)})
		return
	}
	if e.By != client.EnderUser {
		l.line(sayEnd(e))
	}
}

func (l *streamLines) line(text string) {
	if text == l.said {
		return
	}
	l.said = text
	l.app.Say("%s %s\n", l.app.Now().Format(time.TimeOnly), text)
}

func (l *streamLines) json(value map[string]any) {
	value["time"] = l.app.Now().UTC().Format(time.RFC3339Nano)
	if line, err := json.Marshal(value); err == nil { // Texts and numbers: it cannot fail.
		l.app.Say("%s\n", line)
	}
}

// sayEnd tells an end in a line. One of a stream that never began says the same each
// time, so that it is said once.
func sayEnd(e client.End) string {
	what := "no stream"
	if e.Attach != 0 {
		what = fmt.Sprintf("stream %d ended after %s, idle for %s", e.Attach, e.Age.Round(time.Millisecond), e.Idle.Round(time.Millisecond))
	}
	text := fmt.Sprintf("%s: %s, by the %s", what, e.Reason, strings.ToLower(string(e.By)))
	if e.Detail != "" {
		text += ": " + cli.OneLine(e.Detail)
	}
	if e.Succeeded {
		text += "; the next one had taken over"
	}
	if e.Reason == client.ReasonUnreachable {
		text += " (the venue cannot be reached)"
	}
	if e.Attach == 0 {
		return text
	}
	return fmt.Sprintf("%s; %d responses, %d bytes, up to %s, acknowledged %d", text, e.Responses, e.Bytes, e.Cursor, e.Acknowledged)
}

// jsonEnd is an end as --json prints it; durations in milliseconds.
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
