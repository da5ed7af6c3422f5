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

// AdminService: streams.

// ListConnections lists live streams, oldest first, and how the latest ended.
func (s *services) ListConnections(_ context.Context, req *todokuv1.ListConnectionsRequest) (*todokuv1.ListConnectionsResponse, error) {
	var d decoder
	user := string(optional("user", req.GetUser(), d.user))
	id := optional("connection_id", req.GetConnectionId(), d.opaque)
	ended := d.count("ended", req.GetEnded(), 0)
	if d.err != nil {
		return nil, d.err
	}
	matches := func(info *push.StreamInfo) bool {
		return (user == "" || info.User == user) && (id == "" || info.Connection == id)
	}
	live := s.hub.List()
	slices.SortFunc(live, func(a, b push.StreamInfo) int { return cmp.Compare(a.Attach, b.Attach) })
	res := &todokuv1.ListConnectionsResponse{}
	for i := range live {
		if !matches(&live[i]) {
			continue
		}
		info := s.connectionInfo(&live[i])
		if id != "" {
			info.Delivery = s.delivery(id)
		}
		res.Connections = append(res.Connections, info)
	}
	for _, end := range s.hub.Ends() {
		if ended == 0 || !matches(&end.StreamInfo) {
			continue
		}
		ended--
		info := s.connectionInfo(&end.StreamInfo)
		info.EndTime, info.EndReason = moment(end.EndedAt), string(end.Reason)
		info.EndCause, info.EndDetail = end.Cause, end.Message
		res.Connections = append(res.Connections, info)
	}
	return res, nil
}

// DisconnectConnection ends a connection's stream, and its session if asked to.
func (s *services) DisconnectConnection(ctx context.Context, req *todokuv1.DisconnectConnectionRequest) (*todokuv1.DisconnectConnectionResponse, error) {
	var d decoder
	id := d.opaque("connection_id", req.GetConnectionId())
	if d.err != nil {
		return nil, d.err
	}
	connection, err := s.accounts.Connection(id)
	if err != nil {
		return nil, &fieldError{"connection_id", err}
	}
	if req.GetRevokeSession() {
		err = s.accounts.Revoke(ctx, connection.Session, account.EndRevoked) // Ends its streams too.
	} else {
		err = s.live.End(ctx, connection.User, id, reasonByVenue, "ended by "+string(callerOf(ctx).user.ID))
	}
	return reply(&todokuv1.DisconnectConnectionResponse{}, err)
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
		Age:           durationpb.New(info.Age),
		Conflated:     info.Conflated,

		AcknowledgedNumber:  info.Acknowledged,
		UnacknowledgedBytes: info.UnackedBytes,
	}
	if info.SendBlocked > 0 {
		m.SendBlocked = durationpb.New(info.SendBlocked)
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

// delivery says how old the live messages of a connection's stream were.
func (s *Server) delivery(connection string) *todokuv1.ConnectionDelivery {
	d, ok := s.hub.Delivery(connection)
	if !ok {
		return nil
	}
	m := &todokuv1.ConnectionDelivery{
		Sent:          agesMessage(&d.Stages[push.StageSent]),
		Acknowledged:  agesMessage(&d.Stages[push.StageAcknowledged]),
		Painted:       agesMessage(&d.Stages[push.StagePainted]),
		PaintedNumber: d.Painted,
	}
	for _, age := range d.Recent {
		m.Recent = append(m.Recent, durationpb.New(age))
	}
	return m
}

func agesMessage(h *push.Histogram) *todokuv1.DeliveryAges {
	return &todokuv1.DeliveryAges{
		Count: h.Count, Sum: durationpb.New(h.Sum),
		P50: durationpb.New(h.Quantile(.5)), P90: durationpb.New(h.Quantile(.9)), P99: durationpb.New(h.Quantile(.99)),
	}
}
