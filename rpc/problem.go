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

// Domain is the domain of every google.rpc.ErrorInfo that this server sends.
const Domain = "todoku"

// Problem is an error as a client gets it, over any protocol.
type Problem struct {
	// Code is the gRPC status code.
	Code codes.Code
	// Reason is the stable word that clients decide by.
	Reason string
	// Text tells a person what is wrong and what to do.
	Text string
	// Field is the path of the request's field that is wrong; may be empty.
	Field string
	// Metadata holds facts for programs; may be nil.
	Metadata map[string]string
	// RetryAfter is how long to wait before trying again; zero when waiting does
	// not help or it is unknown.
	RetryAfter time.Duration
	// Withheld says that the cause is not the client's business: it was not put
	// into Text, and an operator should look at it.
	Withheld bool
}

// Error returns the reason and the text.
func (p *Problem) Error() string { return p.Reason + ": " + p.Text }

// Status writes the problem down as gRPC does, with google.rpc.ErrorInfo always,
// BadRequest where a field is wrong and RetryInfo where waiting helps.
func (p *Problem) Status() *status.Status {
	info := &errdetails.ErrorInfo{Reason: p.Reason, Domain: Domain, Metadata: maps.Clone(p.Metadata)}
	details := []protoadapt.MessageV1{info}
	if p.Field != "" {
		details = append(details, &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: p.Field, Description: p.Text, Reason: p.Reason},
		}})
	}
	if p.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(p.RetryAfter)})
	}
	plain := status.New(p.Code, p.Text)
	full, err := plain.WithDetails(details...)
	if err != nil {
		// A code of OK is the only cause, and no row of the table has it.
		return plain
	}
	return full
}
