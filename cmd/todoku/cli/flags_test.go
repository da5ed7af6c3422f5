package cli

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.FixedZone("JST", 9*3600))

func TestTimesAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"2h":                        "2026-03-04T14:00:00+09:00",
		"-24h":                      "2026-03-03T12:00:00+09:00",
		"17:30":                     "2026-03-04T17:30:00+09:00",
		"17:30:05":                  "2026-03-04T17:30:05+09:00",
		"2026-01-31":                "2026-01-31T00:00:00+09:00",
		"2026-01-31 17:30":          "2026-01-31T17:30:00+09:00",
		"2026-01-31T17:30:00Z":      "2026-01-31T17:30:00Z",
		"2026-01-31T17:30:00+01:00": "2026-01-31T17:30:00+01:00",
	} {
		got, err := ParseTime(text, noon)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s: %v, %v, want %s", text, got, err, want)
		}
	}
}
