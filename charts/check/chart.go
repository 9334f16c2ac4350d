// Package check holds the chart in charts/pollux to Helm's rules, to Kubernetes' schemas and to what Pollux needs,
// without a cluster. `make chart` runs its tests.
package check

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

// Folder is where the chart is, seen from this package.
const Folder = "../pollux"

// Files are the chart's files by their paths, so that a test can change one of them.
type Files map[string]string

// Document is one rendered object, with the template that it came from.
type Document struct {
	Template string
	Text     string
}

// ReadFiles reads the chart's files.
func ReadFiles(folder string) (Files, error) {
	files := Files{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	return files, err
}

// Changed returns the files with one text of one of them replaced, which must be there.
func (files Files) Changed(name, old, new string) (Files, error) {
	if !strings.Contains(files[name], old) {
		return nil, fmt.Errorf("%s does not contain %q", name, old)
	}
	changed := Files{}
	for path, text := range files {
		changed[path] = text
	}
	changed[name] = strings.ReplaceAll(files[name], old, new)
	return changed, nil
}

// Render returns the objects that `helm install` would make of the chart with these values, and the notes.
func Render(files Files, values string) ([]Document, string, error) {
	var buffered []*archive.BufferedFile
	for name, text := range files {
		buffered = append(buffered, &archive.BufferedFile{Name: name, Data: []byte(text)})
	}
	chart, err := loader.LoadFiles(buffered)
	if err != nil {
		return nil, "", err
	}
	given := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(values), &given); err != nil {
		return nil, "", err
	}
	release := common.ReleaseOptions{Name: "hall", Namespace: "polls", Revision: 1, IsInstall: true}
	merged, err := util.ToRenderValues(chart, given, release, common.DefaultCapabilities)
	if err != nil {
		return nil, "", err
	}
	// With Strict, as in `helm lint --strict`, a value that is not there is an error.
	rendered, err := engine.Engine{Strict: true}.Render(chart, merged)
	if err != nil {
		return nil, "", err
	}
	return documents(rendered)
}

func documents(rendered map[string]string) ([]Document, string, error) {
	var found []Document
	notes := ""
	for path, text := range rendered {
		name := strings.TrimPrefix(path, "pollux/")
		if strings.HasSuffix(name, "NOTES.txt") {
			notes = text
			continue
		}
		for _, part := range strings.Split("\n"+text, "\n---") {
			var object map[string]any
			// A key that is there twice is an error.
			if err := yaml.UnmarshalStrict([]byte(part), &object); err != nil {
				return nil, "", fmt.Errorf("%s is not YAML: %w\n%s", name, err, part)
			}
			if len(object) > 0 {
				found = append(found, Document{Template: name, Text: part})
			}
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Template+found[i].Text < found[j].Template+found[j].Text })
	return found, notes, nil
}

// merged returns values with others laid over them, as two --values of Helm are.
func merged(below, above string) (string, error) {
	var lower, upper map[string]any
	if err := yaml.UnmarshalStrict([]byte(below), &lower); err != nil {
		return "", err
	}
	if err := yaml.UnmarshalStrict([]byte(above), &upper); err != nil {
		return "", err
	}
	text, err := yaml.Marshal(loader.MergeMaps(lower, upper))
	return string(text), err
}
