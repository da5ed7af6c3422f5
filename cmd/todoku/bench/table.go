package bench

import (
	"context"
	"fmt"
	"strconv"

	"todoku/bench"
	"todoku/cmd/todoku/cli"
)

// table measures the published table, row by row, and prints it with a summary.
func (f *feedsBenchmark) table(ctx context.Context) error {
	if f.named {
		return cli.Usagef("the table is measured on servers of its own, a fresh one for each row; leave out --server")
	}
	var venues []bench.Result
	var rows [][]string
	for _, row := range bench.Rows(f.load) {
		results, err := f.measureRow(ctx, row)
		if err != nil {
			return fmt.Errorf("%s: %w", row.Row, err)
		}
		venues = append(venues, results[len(results)-1])
		for _, r := range results {
			rows = append(rows, tableRow(&r))
			if !f.JSON {
				f.Say("measured: %s, %s\n", r.Row, r.Server)
			} else if err := f.PrintValue(&r); err != nil {
				return err
			}
		}
	}
	summary := bench.Summary(venues)
	if f.JSON {
		return f.print(&summary, nil)
	}
	return f.print(&summary, cli.WriteTable(f.Out, rows, "WORK", "SERVER", ">STREAMS", ">DELIVERIES/S", ">PER RESPONSE", ">CPU-S/1M",
		">P50 MS", ">P99 MS", ">LOST", ">DOUBLED", ">GENERATOR CORES", "ALSO"))
}

func tableRow(r *bench.Result) []string {
	number := func(v *float64, decimals int) string {
		if v == nil || *v == 0 {
			return "-"
		}
		return strconv.FormatFloat(*v, 'f', decimals, 64)
	}
	count := func(v *uint64) string {
		if v == nil {
			return "-"
		}
		return cli.FormatUint(*v)
	}
	return []string{
		r.Row, r.Server, strconv.Itoa(r.Streams), number(&r.DeliveriesPerSecond, 0), number(&r.PerResponse, 2),
		number(r.ServerCPU, 2), number(&r.P50, 1), number(&r.P99, 1), count(r.Lost), count(r.Duplicated),
		number(r.OwnCores, 2), tableRemark(r),
	}
}

// tableRemark returns the figures that have no column.
func tableRemark(r *bench.Result) string {
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
