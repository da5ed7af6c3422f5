package admin

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

// assetWords are the asset classes in the order of their numbers in the API.
func assetWords() []string { return []string{"FX", "FUTURE", "EQUITY"} }

func InstrumentCommand(a *cli.App) *cobra.Command {
	return a.Group("instrument", "Create, list, open, halt and close instruments",
		"Administers instruments. Everybody may list them; RISK opens, halts and closes; ADMIN creates and changes.",
		instrumentAddCommand(a), instrumentListCommand(a),
		instrumentStatusCommand(a, "open", "Take orders and match them", todokuv1.TradingStatus_TRADING_STATUS_OPEN),
		instrumentStatusCommand(a, "halt", "Stop trading for now; orders rest and can be canceled", todokuv1.TradingStatus_TRADING_STATUS_HALTED),
		instrumentStatusCommand(a, "close", "Close it; orders can be canceled", todokuv1.TradingStatus_TRADING_STATUS_CLOSED),
	)
}

func instrumentAddCommand(a *cli.App) *cobra.Command {
	i := &todokuv1.Instrument{}
	var class string
	var preOpen, asJSON bool
	command := &cobra.Command{
		Use: "add SYMBOL", Short: "Create an instrument, or change one's rules",
		Long: `Creates an instrument, open at once unless --pre-open is given. For one that exists it
sets all of its rules anew; orders that rest and would break a new tick or lot are a
reason to refuse it.`,
		Example: `  todoku instrument add USDJPY --name "US dollar / yen" --class FX --currency JPY \
      --tick 0.005 --lot 1000 --max-quantity 10000000 --reference-price 151.20 --band 300`,
		Args: cobra.ExactArgs(1),
	}
	flags := command.Flags()
	flags.StringVar(&i.Name, "name", "", "name for people; SYMBOL when empty")
	flags.StringVar(&class, "class", "", "FX, FUTURE or EQUITY")
	flags.StringVar(&i.Currency, "currency", "", "currency that prices are in")
	flags.StringVar(&i.TickSize, "tick", "", "divides every price")
	flags.StringVar(&i.LotSize, "lot", "1", "divides every quantity")
	flags.StringVar(&i.MinQuantity, "min-quantity", "", "smallest order; the lot when empty")
	flags.StringVar(&i.MaxQuantity, "max-quantity", "", "largest order")
	flags.StringVar(&i.LowLimitPrice, "low-limit", "", "lowest price of the day; none when empty")
	flags.StringVar(&i.HighLimitPrice, "high-limit", "", "highest price of the day; none when empty")
	flags.StringVar(&i.ReferencePrice, "reference-price", "", "where the band is measured from until there is a trade")
	flags.Uint32Var(&i.BandBasisPoints, "band", 0, "how far from the reference price an order may be, in basis points; 0 for no band")
	flags.BoolVar(&i.DiscloseCounterparty, "disclose", false, "each side of a trade learns who the other was")
	flags.BoolVar(&preOpen, "pre-open", false, "do not open it yet")
	cli.AddJSON(command, &asJSON)
	for _, required := range []string{"class", "currency", "tick", "max-quantity"} {
		// It fails only for a flag that does not exist.
		_ = command.MarkFlagRequired(required)
	}
	cli.OneOf(command, "class", assetWords()...)
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, args []string) error {
		n, err := cli.WordIndex("--class", class, assetWords()...)
		if err != nil {
			return err
		}
		i.Symbol, i.AssetClass, i.Status = notation.Upper(args[0]), todokuv1.AssetClass(n), todokuv1.TradingStatus_TRADING_STATUS_OPEN
		if preOpen {
			i.Status = todokuv1.TradingStatus_TRADING_STATUS_PRE_OPEN
		}
		if i.GetName() == "" {
			i.Name = i.GetSymbol()
		}
		if i.GetMinQuantity() == "" {
			i.MinQuantity = i.GetLotSize()
		}
		for flag, number := range map[string]*string{
			"--tick": &i.TickSize, "--lot": &i.LotSize, "--min-quantity": &i.MinQuantity, "--max-quantity": &i.MaxQuantity,
		} {
			if *number, err = notation.Positive(flag, *number); err != nil {
				return cli.WrongUsage(err)
			}
		}
		return session.WithClient(ctx, a, c, func(dialed *session.Venue) error {
			return cli.Call(ctx, dialed.Admin().UpsertInstrument, &todokuv1.UpsertInstrumentRequest{RequestId: session.OrNewID(""), Instrument: i},
				func(reply *todokuv1.UpsertInstrumentResponse) error {
					return a.Done(reply, asJSON, "instrument %s is %s", i.GetSymbol(), cli.Word(i.GetStatus(), "TRADING_STATUS_"))
				})
		})
	})
}

func instrumentListCommand(a *cli.App) *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use: "list", Short: "List instruments and their rules", Example: "  todoku instrument list", Args: cobra.NoArgs,
	}
	cli.AddJSON(command, &asJSON)
	return session.WithSession(a, command, func(ctx context.Context, dialed *session.Venue, _ []string) error {
		return cli.Call(ctx, dialed.Market().ListInstruments, &todokuv1.ListInstrumentsRequest{}, func(reply *todokuv1.ListInstrumentsResponse) error {
			return cli.PrintAll(a, asJSON, reply.GetInstruments(), cli.Columns(cli.Left("SYMBOL", "STATUS", "CLASS", "CURRENCY"),
				cli.Right("TICK", "LOT", "SMALLEST", "LARGEST", "REFERENCE", "BAND"), cli.Left("NAME")), instrumentRow)
		})
	})
}

func instrumentRow(i *todokuv1.Instrument) []string {
	band := ""
	if b := i.GetBandBasisPoints(); b > 0 {
		band = fmt.Sprintf("%d bp", b)
	}
	return []string{
		i.GetSymbol(), cli.Word(i.GetStatus(), "TRADING_STATUS_"), cli.Word(i.GetAssetClass(), "ASSET_CLASS_"), i.GetCurrency(),
		i.GetTickSize(), i.GetLotSize(), i.GetMinQuantity(), i.GetMaxQuantity(), i.GetReferencePrice(), band, i.GetName(),
	}
}

func instrumentStatusCommand(a *cli.App, verb, short string, status todokuv1.TradingStatus) *cobra.Command {
	var reason string
	var asJSON bool
	command := &cobra.Command{
		Use: verb + " SYMBOL…", Short: short,
		Example: "  todoku instrument " + verb + " USDJPY --reason \"news pending\"",
		Args:    cobra.MinimumNArgs(1),
		ValidArgsFunction: func(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return session.Complete(a, command, session.Symbols)
		},
	}
	command.Flags().StringVar(&reason, "reason", "", "why, for people")
	cli.AddJSON(command, &asJSON)
	return session.WithSession(a, command, func(ctx context.Context, dialed *session.Venue, args []string) error {
		for _, arg := range args {
			symbol := notation.Upper(arg)
			err := cli.Call(ctx, dialed.Admin().SetTradingStatus,
				&todokuv1.SetTradingStatusRequest{RequestId: session.OrNewID(""), Symbol: symbol, Status: status, Reason: reason},
				func(reply *todokuv1.SetTradingStatusResponse) error {
					return a.Done(reply, asJSON, "instrument %s is %s", symbol, cli.Word(status, "TRADING_STATUS_"))
				})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
