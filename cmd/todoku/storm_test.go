package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestFiveThousandClientsComeBackAtOnceToWhatTheyMissed is about what arrives. How
// long it takes and what it costs depend on the machine; `todoku bench storm`
// measures them.
func TestFiveThousandClientsComeBackAtOnceToWhatTheyMissed(t *testing.T) {
	const clients, missed = 5000, 20
	results := newWorld(t).mustJSON("bench", "storm", "--binary", withoutRaceDetector(t), "--data-parent", t.TempDir(),
		"--serve-flag=--handshake-timeout=10m", "--serve-flag=--send-timeout=10m") // Slow machines end no stream.
	if len(results) != 1 {
		t.Fatalf("%v", results)
	}
	r := results[0]
	storm, ok := r["storm"].(map[string]any)
	if !ok || r["streams"] != float64(clients) || r["connections"] != float64(clients) || storm["missed"] != float64(missed) {
		t.Fatalf("another storm: %v", r)
	}
	if r["events"] != float64(missed) || r["lost"] != 0.0 || r["duplicated"] != 0.0 {
		t.Errorf("%v", r)
	}
	for _, defect := range []string{"disordered", "broken_chain", "resets"} {
		if r[defect] != nil {
			t.Errorf("%s: %v", defect, r[defect])
		}
	}
	t.Logf("caught up after %v ms; CPU seconds: server %v, clients %v",
		storm["caught_up_ms"], storm["server_cpu_seconds"], storm["generator_cpu_seconds"])
}

// withoutRaceDetector builds the command as it is shipped: the detector bounds a
// process to 8,128 goroutines, which these clients alone need more than twice.
func withoutRaceDetector(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "todoku")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-race=false", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}
