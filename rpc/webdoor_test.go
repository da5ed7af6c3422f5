package rpc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/gen/todoku/v1/todokuv1connect"
	"todoku/push"
)

// brokenWriter is a page's connection that fails after one message.
type brokenWriter struct {
	httptest.ResponseRecorder
	flushed bool
}

// Write succeeds until the first flush.
func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.flushed {
		return 0, errors.New("broken pipe")
	}
	return w.ResponseRecorder.Write(p)
}

// Flush implements [http.Flusher].
func (w *brokenWriter) Flush() { w.flushed = w.Body.Len() > 0 }

// TestADisconnectThatASendNoticesIsRecordedWithItsCause breaks a page's connection in a
// way that only a send notices.
func TestADisconnectThatASendNoticesIsRecordedWithItsCause(t *testing.T) {
	v := open(t)
	mux := http.NewServeMux()
	v.RegisterWeb(mux)
	c := v.signIn("alice")
	message, err := proto.Marshal(&todokuv1.FeedNotificationRequest{ConnectionId: c.connection})
	must(t, err)
	body := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))) // An envelope of Connect's.
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost,
		todokuv1connect.NotificationServiceFeedNotificationProcedure, bytes.NewReader(append(body, message...)))
	request.Header.Set("Content-Type", "application/connect+proto")
	request.Header.Set("Authorization", "Bearer "+c.login.GetTokens().GetAccessToken())
	w := &brokenWriter{ResponseRecorder: *httptest.NewRecorder()}
	mux.ServeHTTP(w, request)
	ends := v.hub.Ends()
	if len(ends) != 1 || ends[0].Reason != push.ReasonDisconnected || ends[0].Cause != "GONE" {
		t.Errorf("%d %q: the end is recorded as %+v", w.Code, w.Body, ends)
	}
}
