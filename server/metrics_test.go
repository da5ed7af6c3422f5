package server

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.yaml.in/yaml/v3"

	"todoku/account"
)

// ownMetrics returns the names of a server's own metrics.
func ownMetrics(t *testing.T) []string {
	t.Helper()
	s, err := New(t.Context(), Config{
		Data: t.TempDir(), GRPCAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0",
		Accounts: account.Config{Hash: account.HashCost{MemoryKiB: 64, Passes: 1, Lanes: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.closeFiles(); err != nil {
			t.Error(err)
		}
	})
	families, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		if strings.HasPrefix(problem.Metric, "todoku_") {
			t.Errorf("%s: %s", problem.Metric, problem.Text)
		}
	}
	descriptions := make(chan *prometheus.Desc)
	go func() {
		s.metrics.registry.Describe(descriptions)
		close(descriptions)
	}()
	name := regexp.MustCompile(`fqName: "(todoku_[a-z_]+)"`)
	var names []string
	for d := range descriptions {
		if found := name.FindStringSubmatch(d.String()); found != nil {
			names = append(names, found[1])
		}
	}
	slices.Sort(names)
	return names
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var metricName = regexp.MustCompile(`\btodoku_[a-z_]+`)

func TestTheOperationsPageNamesEveryMetricAndNoOther(t *testing.T) {
	var named []string
	for line := range strings.Lines(string(read(t, "docs/operations.md"))) {
		if strings.HasPrefix(line, "| `todoku_") {
			named = append(named, metricName.FindString(line))
		}
	}
	slices.Sort(named)
	if own := ownMetrics(t); !slices.Equal(named, own) {
		for _, name := range own {
			if !slices.Contains(named, name) {
				t.Errorf("%s is not in the page's table", name)
			}
		}
		for _, name := range named {
			if !slices.Contains(own, name) {
				t.Errorf("%s is in the page's table twice, or is not a metric", name)
			}
		}
	}
}

func TestDashboardAndAlertsQueryExistingMetrics(t *testing.T) {
	own := ownMetrics(t)
	for _, path := range []string{"deploy/grafana/todoku.json", "deploy/prometheus/alerts.yaml"} {
		text := read(t, path)
		var document any
		if strings.HasSuffix(path, ".json") {
			if err := json.Unmarshal(text, &document); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		} else if err := yaml.Unmarshal(text, &document); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		asked := metricName.FindAllString(string(text), -1)
		if len(asked) == 0 {
			t.Errorf("%s queries no metric", path)
		}
		for _, name := range asked {
			plain := name
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				plain = strings.TrimSuffix(plain, part)
			}
			if !slices.Contains(own, plain) && !slices.Contains(own, name) {
				t.Errorf("%s queries %s, which does not exist", path, name)
			}
		}
	}
}
