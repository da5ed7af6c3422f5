package serve

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"todoku/cmd/todoku/cli"
	"todoku/server"
)

// What one user, one network and everybody together may have and ask for. A network
// is an IPv4 address or an IPv6 /64.

// defineLimits gives a command the settings that bound clients.
func defineLimits(command *cobra.Command, c *server.Config) {
	cli.AddSettings(command, "Limits of a user", func(flags *pflag.FlagSet) {
		flags.IntVar(&c.Push.StreamsPerUser, "streams-per-user", 100, "live streams; -1 for no limit")
		flags.IntVar(&c.Push.TopicsPerStream, "topics-per-stream", 10_000, "instruments, accounts and the like of one stream; -1 for no limit")
		flags.IntVar(&c.Limits.CallsPerUser, "calls-per-user", 1000, "unary calls at once; before a sign-in those of the network; -1 for no limit")
		rate(flags, &c.Limits.AttachesPerUser.PerSecond, &c.Limits.AttachesPerUser.Burst, "attach-rate", 20, 200, "streams opened")
		rate(flags, &c.Limits.SubscriptionsPerUser.PerSecond, &c.Limits.SubscriptionsPerUser.Burst, "subscription-rate", 50, 200, "changes of subscriptions")
	})
	cli.AddSettings(command, "Limits of an address", func(flags *pflag.FlagSet) {
		flags.IntVar(&c.Push.StreamsPerAddress, "streams-per-address", 4000, "live streams; -1 for no limit")
		flags.IntVar(&c.Doors.ConnectionsPerNetwork, "connections-per-address", 4000, "TCP connections; -1 for no limit")
		rate(flags, &c.Limits.AttachesPerNetwork.PerSecond, &c.Limits.AttachesPerNetwork.Burst, "address-attach-rate", 1000, 10_000, "streams opened")
		rate(flags, &c.Limits.SignInsPerNetwork.PerSecond, &c.Limits.SignInsPerNetwork.Burst, "address-sign-in-rate", 50, 2000, "sign-ins")
		flags.IntVar(&c.Accounts.HashShare, "address-sign-in-share", 128, "sign-ins that may wait for their turn, of 256; -1 for all")
		flags.IntVar(&c.Accounts.Lockout.AddressAfter, "lockout-address-after", 100, "lock an address after so many wrong passwords; -1 never")
	})
	cli.AddSettings(command, "Limits of a connection", func(flags *pflag.FlagSet) {
		flags.IntVar(&c.Doors.Connections, "connections", 0, "TCP connections in all; 0 for as many as the limit of open files allows, -1 for no limit")
		flags.DurationVar(&c.Doors.Handshake, "handshake-timeout", 10*time.Second, "close a connection that has not sent a gRPC request within this time")
		flags.Uint32Var(&c.Doors.CallsPerConnection, "calls-per-connection", 1000, "calls and streams at once on one connection")
		flags.Uint32Var(&c.Doors.HeaderBytes, "header-bytes", 16<<10, "headers of one call")
	})
}

// rate defines a setting that is a rate and how much may come at once. "20,200" is 20 a
// second after 200 at once.
func rate(flags *pflag.FlagSet, perSecond, burst *int, name string, standardRate, standardBurst int, what string) {
	*perSecond, *burst = standardRate, standardBurst
	show := func() string { return fmt.Sprintf("%d,%d", *perSecond, *burst) }
	usage := what + ": a second, and at once after a pause; off for no limit"
	cli.ParsedFlag(flags, name, "rate", show(), usage, func(text string) (string, error) {
		if text == "off" {
			*perSecond, *burst = -1, 0
			return text, nil
		}
		rate, burstText, _ := strings.Cut(text, ",")
		r, err1 := strconv.Atoi(strings.TrimSpace(rate))
		b, err2 := strconv.Atoi(strings.TrimSpace(burstText))
		if err1 != nil || err2 != nil || r < 1 || b < 1 {
			return "", errors.New(`write "20,200" for 20 a second after 200 at once, or off`)
		}
		*perSecond, *burst = r, b
		return show(), nil
	})
}
