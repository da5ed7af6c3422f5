package server

import (
	"context"
	"log/slog"
	"time"
)

// retentionInterval is how often old history is deleted.
const retentionInterval = time.Hour

// retain deletes history older than [Config.Retain], as the engine deletes it from the
// journal. Without a retention it only waits for ctx.
func (s *Server) retain(ctx context.Context) error {
	if s.config.Retain <= 0 {
		<-ctx.Done()
		return nil
	}
	ticker := time.NewTicker(retentionInterval)
	defer ticker.Stop()
	for {
		before := s.config.Clock().Add(-s.config.Retain)
		if err := s.storage.History.Compact(ctx, before.UnixNano()); err != nil && ctx.Err() == nil {
			// The next hour tries again; old history only takes space.
			s.config.Logger.WarnContext(ctx, "old history not dropped", slog.Time("before", before), failure(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
