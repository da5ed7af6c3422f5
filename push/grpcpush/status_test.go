package grpcpush_test

import (
	"errors"
	"fmt"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/push"
	"todoku/push/grpcpush"
)

func TestAnEndIsToldByCodeReasonAndText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		code   codes.Code
		reason push.Reason
		text   string
	}{
		{&push.End{Reason: push.ReasonSlowConsumer, Message: "the event queue is full"}, codes.ResourceExhausted, push.ReasonSlowConsumer, "the event queue is full"},
		{fmt.Errorf("served: %w", &push.End{Reason: push.ReasonSuperseded}), codes.Aborted, push.ReasonSuperseded, ""},
		{fmt.Errorf("refused: %w", push.ErrDraining), codes.Unavailable, push.ReasonShutdown, "the server is stopping"},
		{&push.End{Reason: push.ReasonInternal, Message: "secret", Err: errors.New("secret")}, codes.Internal, push.ReasonInternal, "something went wrong on the server"},
		{errors.New("secret"), codes.Internal, push.ReasonInternal, "something went wrong on the server"},
		{push.ErrNotCurrent, codes.Internal, push.ReasonInternal, "something went wrong on the server"},
	} {
		s := status.Convert(grpcpush.Status(c.err, "here"))
		if s.Code() != c.code || s.Message() != c.text {
			t.Errorf("%v is told as %s %q, want %s %q", c.err, s.Code(), s.Message(), c.code, c.text)
		}
		info, ok := s.Details()[0].(*errdetails.ErrorInfo)
		if !ok || info.GetReason() != string(c.reason) || info.GetDomain() != "here" {
			t.Errorf("%v carries %v, want reason %s", c.err, s.Details(), c.reason)
		}
	}
	if err := grpcpush.Status(nil, "here"); err != nil {
		t.Errorf("no error became %v", err)
	}
}
