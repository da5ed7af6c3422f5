package rpc

import (
	"cmp"
	"context"
	"slices"

	"google.golang.org/protobuf/types/known/durationpb"

	"todoku/account"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push"
)

// AdminService, what concerns streams.

// ListConnections lists live streams, oldest first, and how the latest ended.
func (s *adminService) ListConnections(_ context.Context, req *todokuv1.ListConnectionsRequest) (*todokuv1.ListConnectionsResponse, error) {
	var d decoder
	user := string(d.anyUser(req.GetUser()))
	ended := d.count("ended", req.GetEnded(), 0)
	if d.err != nil {
		return nil, d.err
	}
	live := s.hub.List()
	slices.SortFunc(live, func(a, b push.StreamInfo) int { return cmp.Compare(a.Attach, b.Attach) })
	res := &todokuv1.ListConnectionsResponse{}
	for i := range live {
		if user == "" || live[i].User == user {
			res.Connections = append(res.Connections, s.connectionInfo(&live[i]))
		}
	}
	for _, end := range s.hub.Ends() {
		if ended == 0 {
			break
		}
		if user != "" && end.User != user {
			continue
		}
		ended--
		info := s.connectionInfo(&end.StreamInfo)
		info.EndTime, info.EndReason = moment(end.EndedAt), string(end.Reason)
		res.Connections = append(res.Connections, info)
	}
	return res, nil
}

// DisconnectConnection ends a connection's stream, and its session if asked to.
func (s *adminService) DisconnectConnection(ctx context.Context, req *todokuv1.DisconnectConnectionRequest) (*todokuv1.DisconnectConnectionResponse, error) {
	var d decoder
	id := d.opaque("connection_id", req.GetConnectionId(), maxConnectionID)
	if d.err != nil {
		return nil, d.err
	}
	connection, err := s.accounts.Connection(id)
	if err != nil {
		return nil, &fieldError{"connection_id", err}
	}
	if req.GetRevokeSession() {
		// The end of the session ends its streams.
		if err := s.accounts.Revoke(ctx, connection.Session, account.EndRevoked); err != nil {
			return nil, err
		}
		return &todokuv1.DisconnectConnectionResponse{}, nil
	}
	s.hub.End(push.Selector{Connection: id}, reasonByVenue, "an administrator ended the stream")
	return &todokuv1.DisconnectConnectionResponse{}, nil
}

func (s *Server) connectionInfo(info *push.StreamInfo) *todokuv1.ConnectionInfo {
	m := &todokuv1.ConnectionInfo{
		ConnectionId:  info.Connection,
		User:          info.User,
		SessionId:     info.Session,
		RemoteAddress: info.Remote,
		AttachNumber:  info.Attach,
		AttachTime:    moment(info.AttachedAt),
		Idle:          durationpb.New(info.Idle),
		BytesSent:     info.Bytes,
		ResponsesSent: info.Responses,
		Queued:        uint32(info.Queued),
	}
	if info.Responses > 0 {
		m.LastCursor = s.cursor(info.Cursor)
	}
	if info.Acknowledged > 0 {
		m.AcknowledgedCursor = s.cursor(info.AckCursor)
		m.AcknowledgeTime = moment(s.options.Clock().Add(-info.AckIdle))
	}
	// The client's own name is the account's; an ended session took it along.
	if connection, err := s.accounts.Connection(info.Connection); err == nil {
		m.ClientName = connection.ClientName
	}
	return m
}
