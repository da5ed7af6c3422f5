package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// settingMark annotates the flags that the environment and the file may set too,
// and says under which heading help shows them.
const settingMark = "todoku_setting"

// originMark annotates a flag that the environment or the file has set.
const originMark = "todoku_origin"

// AddSettings gives a command flags that are settings: things that stay the same
// from call to call, as opposed to what one call is about.
func AddSettings(command *cobra.Command, heading string, define func(*pflag.FlagSet)) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	define(flags)
	flags.VisitAll(func(f *pflag.Flag) {
		f.Annotations = map[string][]string{settingMark: {heading}}
		command.Flags().AddFlag(f)
	})
}

// HeadingOf returns the heading of a setting, or "" for a flag that is none.
func HeadingOf(f *pflag.Flag) string {
	if mark := f.Annotations[settingMark]; len(mark) == 1 {
		return mark[0]
	}
	return ""
}

// EnvironmentName returns the variable that sets a flag.
func EnvironmentName(flag string) string {
	return "TODOKU_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// ApplySettings fills the settings that no flag gave, from the environment and
// then from the file.
func (a *App) ApplySettings(command *cobra.Command) error {
	file, err := a.readFile(command)
	if err != nil {
		return err
	}
	var failure error
	command.Flags().VisitAll(func(f *pflag.Flag) {
		if failure != nil || f.Changed || HeadingOf(f) == "" {
			return
		}
		variable := EnvironmentName(f.Name)
		if value, ok := a.LookupEnv(variable); ok && value != "" {
			failure = set(f, value, variable)
		} else if entry, ok := file.entries[f.Name]; ok {
			failure = set(f, entry.value, fmt.Sprintf("%s:%d", file.name, entry.line))
		}
	})
	return failure
}

// set gives a flag a value and names where it came from when it does not fit.
func set(f *pflag.Flag, value, from string) error {
	old := f.Value.String()
	if err := f.Value.Set(value); err != nil {
		return Usagef("%s: %s is %q, which does not fit as %q does: %w", from, f.Name, value, old, err)
	}
	f.Changed = true
	f.Annotations[originMark] = []string{from}
	return nil
}

// OriginOf says where the value of a setting that is not the default comes from.
func OriginOf(f *pflag.Flag) string {
	if origin := f.Annotations[originMark]; len(origin) == 1 {
		return origin[0]
	}
	return "--" + f.Name
}

// settingsFile is a YAML file with settings.
type settingsFile struct {
	name    string
	entries map[string]fileEntry
}

type fileEntry struct {
	value string
	line  int
}

// readFile reads the file that --config or TODOKU_CONFIG names, if any.
func (a *App) readFile(command *cobra.Command) (settingsFile, error) {
	name, err := command.Flags().GetString("config")
	if err != nil {
		return settingsFile{}, err
	}
	if name == "" {
		name, _ = a.LookupEnv(EnvironmentName("config"))
	}
	if name == "" {
		return settingsFile{}, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return settingsFile{}, Usagef("settings: %w", err)
	}
	entries, err := parseSettings(data, KnownSettings(command.Root()))
	if err != nil {
		return settingsFile{}, Usagef("%s:%w", name, err)
	}
	return settingsFile{name, entries}, nil
}

// parseSettings reads a YAML mapping from setting to value. Whatever it does not
// know it refuses, naming the line: a setting that is spelt wrong must not be
// passed over in silence.
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
			return nil, fmt.Errorf("%d: %s is set on line %d already", key.Line, key.Value, earlier.line)
		case value.Kind != yaml.ScalarNode || value.Tag == "!!null":
			return nil, fmt.Errorf("%d: %s needs one value", key.Line, key.Value)
		}
		entries[key.Value] = fileEntry{value.Value, key.Line}
	}
	return entries, nil
}

// KnownSettings returns the settings of all commands, so that one file can serve
// them all.
func KnownSettings(command *cobra.Command) []string {
	var known []string
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if HeadingOf(f) != "" && !slices.Contains(known, f.Name) {
				known = append(known, f.Name)
			}
		})
		for _, child := range c.Commands() {
			visit(child)
		}
	}
	visit(command)
	slices.Sort(known)
	return known
}

// nearest suggests the known word that shares the most letters in order with a
// mistyped one.
func nearest(word string, known []string) string {
	best, most := "", len(word)/2
	for _, k := range known {
		if common := commonLetters(word, k); common > most {
			best, most = k, common
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// commonLetters returns the length of the longest common subsequence.
func commonLetters(a, b string) int {
	lengths := make([]int, len(b)+1)
	for i := range len(a) {
		diagonal := 0
		for j := range len(b) {
			above := lengths[j+1]
			if a[i] == b[j] {
				lengths[j+1] = diagonal + 1
			} else {
				lengths[j+1] = max(above, lengths[j])
			}
			diagonal = above
		}
	}
	return lengths[len(b)]
}
