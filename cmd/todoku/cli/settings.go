package cli

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// Annotations of flags.
const (
	settingMark = "todoku_setting" // the environment and the file may set it too; the heading in help
	originMark  = "todoku_origin"  // where it was set, if not by the flag
	nameMark    = "todoku_name"    // the setting's name, if it is not the flag's
)

// AddSettings gives a command flags that are settings: their values stay the same from
// call to call.
func AddSettings(command *cobra.Command, heading string, define func(*pflag.FlagSet)) {
	before := map[*pflag.Flag]bool{}
	command.Flags().VisitAll(func(f *pflag.Flag) { before[f] = true })
	define(command.Flags())
	command.Flags().VisitAll(func(f *pflag.Flag) {
		if !before[f] {
			annotate(f, settingMark, heading)
		}
	})
}

// NameSetting gives the setting of a flag another name than the flag's, in the environment
// and in the file.
func NameSetting(command *cobra.Command, flag, name string) {
	annotate(command.Flags().Lookup(flag), nameMark, name)
}

// settingName returns what a flag is called in the file.
func settingName(f *pflag.Flag) string { return cmp.Or(annotation(f, nameMark), f.Name) }

func annotate(f *pflag.Flag, mark, text string) {
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[mark] = []string{text}
}

func annotation(f *pflag.Flag, mark string) string { return strings.Join(f.Annotations[mark], "") }

// environmentName returns the variable that sets a flag.
func environmentName(flag string) string {
	return "TODOKU_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// ApplySettings sets the settings that no flag gave: from the environment or, if that has
// none, from the file.
func (a *App) ApplySettings(command *cobra.Command) error {
	name, entries, err := a.readFile(command)
	if err != nil {
		return err
	}
	var failure error
	command.Flags().VisitAll(func(f *pflag.Flag) {
		if failure != nil || f.Changed || annotation(f, settingMark) == "" {
			return
		}
		variable := environmentName(settingName(f))
		if value, ok := a.LookupEnv(variable); ok && value != "" {
			failure = set(f, value, variable)
		} else if entry, ok := entries[settingName(f)]; ok {
			failure = set(f, entry.value, fmt.Sprintf("%s:%d", name, entry.line))
		}
	})
	return failure
}

// set gives a flag a value, and names its source when the value is invalid.
func set(f *pflag.Flag, value, from string) error {
	old := f.Value.String()
	if err := f.Value.Set(value); err != nil {
		return Usagef("%s: invalid value %q for %s (for example %q): %w", from, value, f.Name, old, err)
	}
	f.Changed = true
	annotate(f, originMark, from)
	return nil
}

// Changed returns a row of name, value and source for each setting that has been set.
func Changed(flags *pflag.FlagSet) (rows [][]string) {
	flags.VisitAll(func(f *pflag.Flag) {
		if annotation(f, settingMark) == "" || !f.Changed {
			return
		}
		rows = append(rows, []string{f.Name, f.Value.String(), cmp.Or(annotation(f, originMark), "--"+f.Name)})
	})
	return rows
}

type fileEntry struct {
	value string
	line  int
}

// readFile reads the file that --config or TODOKU_CONFIG names, if any.
func (a *App) readFile(command *cobra.Command) (name string, entries map[string]fileEntry, err error) {
	if name, err = command.Flags().GetString("config"); err != nil {
		return "", nil, err
	}
	if name == "" {
		name, _ = a.LookupEnv(environmentName("config"))
	}
	if name == "" {
		return "", nil, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return name, nil, Usagef("settings: %w", err)
	}
	if entries, err = parseSettings(data, knownSettings(command.Root())); err != nil {
		return name, nil, Usagef("%s:%w", name, err)
	}
	return name, entries, nil
}

// parseSettings reads a YAML mapping from setting to value. It refuses an unknown setting
// and names its line, so that a misspelt one is not silently ignored.
func parseSettings(data []byte, known []string) (map[string]fileEntry, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, fmt.Errorf(" %w", err)
	}
	if len(document.Content) == 0 {
		return nil, nil
	}
	mapping := document.Content[0]
	if mapping.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%d: a mapping is expected, such as \"grpc-addr: 127.0.0.1:7443\"", mapping.Line)
	}
	entries := map[string]fileEntry{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		switch earlier, twice := entries[key.Value]; {
		case key.Kind != yaml.ScalarNode || !slices.Contains(known, key.Value):
			return nil, fmt.Errorf("%d: there is no setting %q%s", key.Line, key.Value, nearest(key.Value, known))
		case twice:
			return nil, fmt.Errorf("%d: %s is already set on line %d", key.Line, key.Value, earlier.line)
		case value.Kind != yaml.ScalarNode || value.Tag == "!!null":
			return nil, fmt.Errorf("%d: %s needs one value", key.Line, key.Value)
		}
		entries[key.Value] = fileEntry{value.Value, key.Line}
	}
	return entries, nil
}

// nearest suggests known settings for a misspelt one, as cobra does for commands.
func nearest(word string, known []string) string {
	all := &cobra.Command{SuggestionsMinimumDistance: 2}
	for _, k := range known {
		all.AddCommand(&cobra.Command{Use: k, Run: func(*cobra.Command, []string) {}})
	}
	return didYouMean(all.SuggestionsFor(word))
}

// knownSettings returns the settings of all commands, so that one file can serve
// them all.
func knownSettings(command *cobra.Command) []string {
	var known []string
	command.Flags().VisitAll(func(f *pflag.Flag) {
		if annotation(f, settingMark) != "" {
			known = append(known, settingName(f))
		}
	})
	for _, child := range command.Commands() {
		known = append(known, knownSettings(child)...)
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// UnknownVariables returns the TODOKU_ variables of the environment that set nothing.
func (a *App) UnknownVariables(command *cobra.Command) (unknown []string) {
	known := []string{"TODOKU_PASSWORD", "TODOKU_NEW_PASSWORD", "TODOKU_CONFIG"}
	for _, name := range knownSettings(command.Root()) {
		known = append(known, environmentName(name))
	}
	for _, entry := range a.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "TODOKU_") && !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}
