package bench

import (
	"context"
	"fmt"
	"strconv"

	"todoku/bench"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
)

// benchTable measures the published table, row by row, and prints it with a summary.
func benchTable(ctx context.Context, a *cli.App, c *session.Connection, f *feedsBench) error {
	if f.named {
		return cli.Usagef("the table is measured on servers of its own, a fresh one for each row; leave out --server")
	}
	load := f.row.Config
	var venues, shown []bench.PushResult
	for _, row := range bench.Rows(load) {
		row.Span, row.Frozen = f.row.Span, f.row.Frozen
		beside, venue, err := measureRow(ctx, a, c, f, row)
		if err != nil {
			return fmt.Errorf("%s: %w", row.Name, err)
		}
		venues = append(venues, *venue)
		results := []*bench.PushResult{venue}
		if beside != nil {
			results = []*bench.PushResult{beside, venue}
		}
		for _, r := range results {
			shown = append(shown, *r)
			if err := sayRow(a, r, f.asJSON); err != nil {
				return err
			}
		}
	}
	summary := bench.Summary(serverVenue, venues)
	if f.asJSON {
		return sayBench(a, &summary, true)
	}
	if err := cli.WriteTable(a.Out, tableColumns(), tableRows(shown)); err != nil {
		return err
	}
	return sayBench(a, &summary, false)
}

// sayRow prints a row that is done: as JSON, or its name to who waits.
func sayRow(a *cli.App, r *bench.PushResult, asJSON bool) error {
	if asJSON {
		return a.PrintValue(r)
	}
	_, err := fmt.Fprintf(a.Errors, "measured: %s, %s\n", r.Row, r.Server)
	return err
}

func tableColumns() []cli.Column {
	return cli.Columns(cli.Left("WORK", "SERVER"),
		cli.Right("STREAMS", "DELIVERIES/S", "PER RESPONSE", "CPU-S/1M", "P50 MS", "P99 MS", "LOST", "DOUBLED", "GENERATOR CORES"), cli.Left("ALSO"))
}

func tableRows(results []bench.PushResult) [][]string {
	number := func(v float64, decimals int) string {
		if v == 0 {
			return "-"
		}
		return strconv.FormatFloat(v, 'f', decimals, 64)
	}
	known := func(v *float64) float64 {
		if v == nil {
			return 0
		}
		return *v
	}
	count := func(v *uint64) string {
		if v == nil {
			return "-"
		}
		return strconv.FormatUint(*v, 10)
	}
	var rows [][]string
	for i := range results {
		r := &results[i]
		rows = append(rows, []string{
			r.Row, r.Server, strconv.Itoa(r.Streams), number(r.DeliveriesPerSecond, 0), number(r.PerResponse, 2),
			number(known(r.ServerCPU), 2), number(r.P50, 1), number(r.P99, 1), count(r.Lost), count(r.Duplicated),
			number(known(r.OwnCores), 2), tableRemark(r),
		})
	}
	return rows
}

// tableRemark says what has no column.
func tableRemark(r *bench.PushResult) string {
	switch {
	case r.IdleBytes != nil:
		return fmt.Sprintf("%.1f KB a connection", float64(*r.IdleBytes)/1e3)
	case r.Storm != nil && r.Storm.ServerCPU != nil:
		return fmt.Sprintf("caught up after %.0f ms, server CPU %.2f s", r.Storm.CaughtUp, *r.Storm.ServerCPU)
	case r.Frozen != nil && r.Frozen.Reason == "":
		return fmt.Sprintf("the others' p99 then %.1f ms, %d events stuck; never ended", r.Frozen.P99, r.Failed)
	case r.Frozen != nil:
		return fmt.Sprintf("the others' p99 then %.1f ms; ended %s after %.1f s", r.Frozen.P99, r.Frozen.Reason, r.Frozen.EndedAfter)
	}
	return ""
}
