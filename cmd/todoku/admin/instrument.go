package admin

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

// InstrumentCommand is the group of the commands of instruments.
func InstrumentCommand(s *session.Session) *cobra.Command {
	return s.Group("instrument", "Create, list, open, halt and close instruments",
		"Administers instruments. Everybody may list them; RISK opens, halts and closes; ADMIN creates and changes.",
		instrumentAddCommand(s), instrumentListCommand(s),
		instrumentStatusCommand(s, "open", "Take orders and match them", todokuv1.TradingStatus_TRADING_STATUS_OPEN),
		instrumentStatusCommand(s, "halt", "Stop trading for now; orders rest and can be canceled", todokuv1.TradingStatus_TRADING_STATUS_HALTED),
		instrumentStatusCommand(s, "close", "Close it; orders can be canceled", todokuv1.TradingStatus_TRADING_STATUS_CLOSED),
	)
}

func instrumentAddCommand(s *session.Session) *cobra.Command {
	i := &todokuv1.Instrument{Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN}
	var preOpen bool
	command := &cobra.Command{
		Use: "add SYMBOL", Short: "Create an instrument, or change one's rules",
		Long: `Creates an instrument, open at once unless --pre-open is given. For one that exists it
sets all of its rules anew; this is refused if resting orders would break a new tick or
lot.`,
		Example: `  todoku instrument add USDJPY --name "US dollar / yen" --class FX --currency JPY \
      --tick 0.005 --lot 1000 --max-quantity 10000000 --reference-price 151.20 --band 300`,
		Args: cobra.ExactArgs(1),
	}
	flags := command.Flags()
	flags.StringVar(&i.Name, "name", "", "name for people; SYMBOL when empty")
	cli.EnumFlag(command, &i.AssetClass, "class", "FX, FUTURE or EQUITY")
	flags.StringVar(&i.Currency, "currency", "", "currency that prices are in")
	cli.DecimalFlag(flags, &i.TickSize, "tick", "", "divides every price")
	cli.DecimalFlag(flags, &i.LotSize, "lot", "1", "divides every quantity")
	cli.DecimalFlag(flags, &i.MinQuantity, "min-quantity", "", "smallest order; the lot when empty")
	cli.DecimalFlag(flags, &i.MaxQuantity, "max-quantity", "", "largest order")
	flags.StringVar(&i.LowLimitPrice, "low-limit", "", "lowest price of the day; none when empty")
	flags.StringVar(&i.HighLimitPrice, "high-limit", "", "highest price of the day; none when empty")
	flags.StringVar(&i.ReferencePrice, "reference-price", "", "where the band is measured from until the next trade")
	flags.Uint32Var(&i.BandBasisPoints, "band", 0, "how far from the reference price an order may be, in basis points; 0 for no band")
	flags.BoolVar(&i.DiscloseCounterparty, "disclose", false, "each side of a trade learns who the other was")
	flags.BoolVar(&preOpen, "pre-open", false, "do not open it yet")
	cli.Require(command, "class", "currency", "tick", "max-quantity")
	return s.Run(command, func(ctx context.Context, venue *session.Venue, args []string) error {
		i.Symbol = strings.ToUpper(args[0])
		if preOpen {
			i.Status = todokuv1.TradingStatus_TRADING_STATUS_PRE_OPEN
		}
		i.Name, i.MinQuantity = cmp.Or(i.GetName(), i.GetSymbol()), cmp.Or(i.GetMinQuantity(), i.GetLotSize())
		reply, err := venue.Admin().UpsertInstrument(ctx, &todokuv1.UpsertInstrumentRequest{RequestId: session.OrNewID(""), Instrument: i})
		return s.Done(reply, err, "instrument %s is %s", i.GetSymbol(), cli.Word(i.GetStatus()))
	})
}

func instrumentListCommand(s *session.Session) *cobra.Command {
	return s.Run(&cobra.Command{
		Use: "list", Short: "List instruments and their rules", Example: "  todoku instrument list", Args: cobra.NoArgs,
	}, func(ctx context.Context, venue *session.Venue, _ []string) error {
		reply, err := venue.Market().ListInstruments(ctx, &todokuv1.ListInstrumentsRequest{})
		return cli.PrintAll(s.App, reply.GetInstruments(), err, instrumentRow,
			"SYMBOL", "STATUS", "CLASS", "CURRENCY", ">TICK", ">LOT", ">SMALLEST", ">LARGEST", ">REFERENCE", ">BAND", "NAME")
	})
}

func instrumentRow(i *todokuv1.Instrument) []string {
	band := ""
	if b := i.GetBandBasisPoints(); b > 0 {
		band = fmt.Sprintf("%d bp", b)
	}
	return []string{
		i.GetSymbol(), cli.Word(i.GetStatus()), cli.Word(i.GetAssetClass()), i.GetCurrency(),
		i.GetTickSize(), i.GetLotSize(), i.GetMinQuantity(), i.GetMaxQuantity(), i.GetReferencePrice(), band, i.GetName(),
	}
}

func instrumentStatusCommand(s *session.Session, verb, short string, status todokuv1.TradingStatus) *cobra.Command {
	var reason string
	command := &cobra.Command{
		Use: verb + " SYMBOL…", Short: short,
		Example: "  todoku instrument " + verb + " USDJPY --reason \"news pending\"",
		Args:    cobra.MinimumNArgs(1), ValidArgsFunction: s.Complete(0, session.Symbols),
	}
	command.Flags().StringVar(&reason, "reason", "", "why, for people")
	return s.Run(command, func(ctx context.Context, venue *session.Venue, args []string) error {
		for _, arg := range args {
			request := &todokuv1.SetTradingStatusRequest{
				RequestId: session.OrNewID(""), Symbol: strings.ToUpper(arg), Status: status, Reason: reason,
			}
			reply, err := venue.Admin().SetTradingStatus(ctx, request)
			if err := s.Done(reply, err, "instrument %s is %s", request.GetSymbol(), cli.Word(status)); err != nil {
				return err
			}
		}
		return nil
	})
}
