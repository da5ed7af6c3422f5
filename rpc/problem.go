package rpc

import (
	"maps"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// domain is the domain of every google.rpc.ErrorInfo that this server sends.
const domain = "todoku"

// problem is an error as a client gets it, over any protocol.
type problem struct {
	code       codes.Code
	reason     string // The stable word that clients decide by.
	text       string // For people: what is wrong and what to do.
	field      string // The path of the request's field that is wrong; may be empty.
	metadata   map[string]string
	retryAfter time.Duration // Zero when waiting does not help or the time is unknown.
	withheld   bool          // The text omits the cause, which an operator should see.
}

// status returns the problem as gRPC sends it, with google.rpc.ErrorInfo always,
// BadRequest where a field is wrong and RetryInfo where waiting helps.
func (p *problem) status() *status.Status {
	info := &errdetails.ErrorInfo{Reason: p.reason, Domain: domain, Metadata: maps.Clone(p.metadata)}
	details := []protoadapt.MessageV1{info}
	if p.field != "" {
		details = append(details, &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: p.field, Description: p.text, Reason: p.reason},
		}})
	}
	if p.retryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(p.retryAfter)})
	}
	plain := status.New(p.code, p.text)
	full, err := plain.WithDetails(details...)
	if err != nil {
		// A code of OK is the only cause, and no row of the table has it.
		return plain
	}
	return full
}
