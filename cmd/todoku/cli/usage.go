package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// printUsage prints what --help shows after a command's description: how it is called,
// examples, its commands, and its flags, with settings under their headings.
func printUsage(command *cobra.Command) error {
	var out strings.Builder
	fmt.Fprintf(&out, "Usage:\n  %s\n", command.UseLine())
	if command.Example != "" {
		fmt.Fprintf(&out, "\nExamples:\n%s\n", command.Example)
	}
	if command.HasAvailableSubCommands() {
		out.WriteString("\nCommands:\n")
		for _, c := range command.Commands() {
			if c.IsAvailableCommand() || c.Name() == "help" {
				fmt.Fprintf(&out, "  %-*s  %s\n", command.NamePadding(), c.Name(), c.Short)
			}
		}
	}
	printFlags(&out, command)
	if command.HasAvailableSubCommands() {
		fmt.Fprintf(&out, "\n\"%s COMMAND --help\" describes a command.\n", command.CommandPath())
	}
	_, err := io.WriteString(command.OutOrStderr(), out.String())
	return err
}

func printFlags(out *strings.Builder, command *cobra.Command) {
	sections := map[string]*pflag.FlagSet{}
	command.Flags().VisitAll(func(f *pflag.Flag) {
		heading := annotation(f, settingMark)
		if sections[heading] == nil {
			sections[heading] = pflag.NewFlagSet("", pflag.ContinueOnError)
			sections[heading].SortFlags = false
		}
		sections[heading].AddFlag(f)
	})
	// Flags that are not settings have no heading and come first.
	for _, heading := range slices.Sorted(maps.Keys(sections)) {
		title := "Flags"
		if heading != "" {
			title = heading + " (settings)"
		}
		fmt.Fprintf(out, "\n%s:\n%s\n", title, strings.TrimRight(sections[heading].FlagUsages(), "\n"))
	}
}
