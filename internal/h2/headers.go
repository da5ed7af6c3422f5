package h2

import (
	"bytes"

	"golang.org/x/net/http2/hpack"
)

// Fields returns the headers of a gRPC call and more.
func Fields(scheme, authority, method string, more ...hpack.HeaderField) []hpack.HeaderField {
	return append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: scheme},
		{Name: ":path", Value: method},
		{Name: ":authority", Value: authority},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "te", Value: "trailers"},
	}, more...)
}

// Bearer returns the header of an access token.
func Bearer(token string) hpack.HeaderField {
	return hpack.HeaderField{Name: "authorization", Value: "Bearer " + token}
}

// Encoder encodes the headers of one connection. Fields that it has sent before become
// references into a table that the server keeps, so blocks must be sent in the order in
// which they were encoded.
type Encoder struct {
	buffer  bytes.Buffer
	encoder *hpack.Encoder
}

// NewEncoder returns an encoder with an empty table.
func NewEncoder() *Encoder {
	e := &Encoder{}
	e.encoder = hpack.NewEncoder(&e.buffer)
	return e
}

// Encode returns a block of headers, valid until the next call.
func (e *Encoder) Encode(fields []hpack.HeaderField) []byte {
	e.buffer.Reset()
	for _, f := range fields {
		_ = e.encoder.WriteField(f) // A buffer takes all.
	}
	return e.buffer.Bytes()
}

// Status returns gRPC's status and message from trailers; empty where there is none.
func Status(fields []hpack.HeaderField) (status, message string) {
	for _, f := range fields {
		switch f.Name {
		case "grpc-status":
			status = f.Value
		case "grpc-message":
			message = f.Value
		}
	}
	return status, message
}
