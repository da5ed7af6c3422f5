package account

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every way of printing a Secret shows.
const redacted = "[redacted]"

// Secret is a text that opens something: a token. Printing, logging or encoding
// one shows "[redacted]", so that a careless %+v of a struct that holds it leaks
// nothing. [Secret.Reveal] is the only way to the text.
type Secret string

// Reveal returns the text itself, to be handed to its owner and nobody else.
func (s Secret) Reveal() string { return string(s) }

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// Format prints "[redacted]" for every verb; %x would otherwise show the bytes.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue makes slog print "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText encodes "[redacted]", also in JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
