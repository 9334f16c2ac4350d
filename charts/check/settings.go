package check

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Settings are the settings of Pollux by their variables, with their defaults.
type Settings map[string]string

var row = regexp.MustCompile("(?m)^\\| `([A-Z][A-Z0-9_]*)` \\| `--[^|]*\\| ([^|]*) \\|")

// ReadSettings reads docs/settings.md, which a test of Pollux holds to config.rs.
func ReadSettings(path string) (Settings, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	// In a table a | inside a cell is written \|.
	lines := strings.ReplaceAll(string(text), `\|`, "or")
	settings := Settings{}
	for _, found := range row.FindAllStringSubmatch(lines, -1) {
		settings[found[1]] = strings.TrimSpace(found[2])
	}
	if len(settings) < 50 {
		return nil, fmt.Errorf("%s lists %d settings only: its form has changed", path, len(settings))
	}
	return settings, nil
}
