package apptest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"todoku/internal/apptest"
)

// rawMessage is a request as bytes.
type rawMessage string

// rawCodec sends a [rawMessage] unchanged. It has the name of the usual codec, so that the
// venue decodes it as usual.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) ([]byte, error) {
	if m, ok := v.(rawMessage); ok {
		return []byte(m), nil
	}
	return nil, fmt.Errorf("%T is not a rawMessage", v)
}

func (rawCodec) Unmarshal(data []byte, v any) error {
	if m, ok := v.(proto.Message); ok {
		return proto.Unmarshal(data, m)
	}
	return fmt.Errorf("%T is not a message", v)
}

// callWithin makes a unary call with a deadline and waits for the venue to end it, where a
// client library would end it itself. At the deadline the venue's transport resets the
// stream unless the answer was faster, so the call is repeated until an answer arrives.
func callWithin(t *testing.T, d *apptest.Desktop, limit, method string, message func(attempt int) proto.Message) error {
	t.Helper()
	begun := time.Now()
	for attempt := 0; time.Since(begun) < apptest.Patience; attempt++ {
		if err := callOnceWithin(t, d, limit, method, message(attempt)); err != nil {
			return err
		}
	}
	t.Fatalf("no call was answered within %s: all were reset at their deadline", apptest.Patience)
	return nil
}

// callOnceWithin returns nil when the stream was reset.
func callOnceWithin(t *testing.T, d *apptest.Desktop, limit, method string, message proto.Message) error {
	t.Helper()
	data, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	body := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(data)))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+d.Conn.Target()+method, bytes.NewReader(append(body, data...)))
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]string{
		"Content-Type": "application/grpc", "Te": "trailers", "Grpc-Timeout": limit, "Authorization": "Bearer " + d.Token,
	} {
		request.Header.Set(key, value)
	}
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil // Reset.
	}
	defer response.Body.Close() //nolint:errcheck // It was only read.
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return nil // Reset.
	}
	trailer := response.Trailer
	if trailer.Get("Grpc-Status") == "" { // An answer without a message has everything in its header.
		trailer = response.Header
	}
	details, err := base64.RawStdEncoding.DecodeString(trailer.Get("Grpc-Status-Details-Bin"))
	if err != nil {
		t.Fatal(err)
	}
	var decoded spb.Status
	if err := proto.Unmarshal(details, &decoded); err != nil {
		t.Fatal(err)
	}
	if len(details) == 0 {
		t.Fatalf("answered with %v %v", trailer, response.Header)
	}
	return status.ErrorProto(&decoded)
}
