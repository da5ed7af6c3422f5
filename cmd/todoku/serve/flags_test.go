package serve

import (
	"testing"

	"github.com/spf13/cobra"
)

func TestALimitIsWrittenAsARateAndABurst(t *testing.T) {
	for text, want := range map[string]string{"5,10": "5,10", " 7 , 1 ": "7,1", "off": "off"} {
		o := Options{}
		command := &cobra.Command{Use: "serve"}
		Define(command, &o)
		if got := command.Flag("attach-rate").DefValue; got != "20,200" {
			t.Errorf("the default is %q", got)
		}
		if err := command.Flags().Set("attach-rate", text); err != nil || command.Flag("attach-rate").Value.String() != want {
			t.Errorf("%q: %s, %v", text, command.Flag("attach-rate").Value, err)
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
