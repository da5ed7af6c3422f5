package serve

import (
	"testing"

	"github.com/spf13/cobra"

	"todoku/rpc"
)

func TestALimitIsWrittenAsARateAndABurst(t *testing.T) {
	for text, want := range map[string]rpc.Rate{"5,10": {PerSecond: 5, Burst: 10}, " 7 , 1 ": {PerSecond: 7, Burst: 1}, "off": {PerSecond: -1}} {
		o := Options{}
		command := &cobra.Command{Use: "serve"}
		Define(command, &o)
		if got := command.Flag("attach-rate").DefValue; got != "20,200" {
			t.Errorf("the default is %q", got)
		}
		if err := command.Flags().Set("attach-rate", text); err != nil || o.Config.Limits.AttachesPerUser != want {
			t.Errorf("%q: %+v, %v, want %+v", text, o.Config.Limits.AttachesPerUser, err, want)
		}
		if o.Config.Limits.SignInsPerNetwork.PerSecond != 50 {
			t.Errorf("another rate became %+v", o.Config.Limits)
		}
	}
	for _, text := range []string{"", "5", "5,", "0,5", "5,0", "-1,5", "a,b", "1,2,3"} {
		o := Options{}
		command := &cobra.Command{Use: "serve"}
		Define(command, &o)
		if err := command.Flags().Set("attach-rate", text); err == nil {
			t.Errorf("%q is taken for a rate", text)
		}
	}
}
