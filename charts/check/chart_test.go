package check

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"sigs.k8s.io/yaml"
)

// kinds are the objects that each shape makes, besides two Services and the Pod of `helm test`.
var kinds = map[string]map[string]int{
	"minimal": {"StatefulSet": 1},
	"embedded": {
		"StatefulSet": 1, "Ingress": 1, "NetworkPolicy": 1, "PodDisruptionBudget": 1, "ServiceMonitor": 1,
	},
	"claimed": {"StatefulSet": 1, "NetworkPolicy": 1},
	"cluster": {"Deployment": 2, "PodDisruptionBudget": 2, "Job": 1},
	"managed": {
		"Deployment": 2, "PodDisruptionBudget": 2, "Job": 1, "Ingress": 1, "NetworkPolicy": 3, "ServiceMonitor": 1,
	},
	"trial": {"Deployment": 2, "PodDisruptionBudget": 2},
}

// fixture is what all tests read.
type fixture struct {
	files    Files
	schemas  *Schemas
	settings Settings
	image    Image
	shapes   map[string]string
}

var shared = read()

func read() fixture {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	var all fixture
	var err error
	all.files, err = ReadFiles(Folder)
	must(err)
	all.schemas, err = NewSchemas(os.Getenv("KUBERNETES_SCHEMAS"))
	must(err)
	all.settings, err = ReadSettings("../../docs/settings.md")
	must(err)
	dockerfile, err := os.ReadFile("../../Dockerfile")
	must(err)
	user := regexp.MustCompile(`--uid (\d+) --home-dir (\S+)`).FindStringSubmatch(string(dockerfile))
	must(yaml.Unmarshal([]byte(user[1]), &all.image.User))
	all.image.Home = user[2]
	all.shapes = map[string]string{}
	paths, err := filepath.Glob("shapes/*.yaml")
	must(err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		must(err)
		all.shapes[strings.TrimSuffix(filepath.Base(path), ".yaml")] = string(text)
	}
	return all
}

// faults returns everything that is wrong with the chart in one shape.
func faults(files Files, values string) []string {
	documents, _, err := Render(files, values)
	if err != nil {
		return []string{err.Error()}
	}
	found := []string{}
	for _, document := range documents {
		found = append(found, shared.schemas.Faults(document)...)
	}
	if len(found) > 0 {
		return found
	}
	objects, err := Read(documents)
	if err != nil {
		return []string{err.Error()}
	}
	return Promises(objects, shared.settings, shared.image)
}

func TestEveryShapeIsWhatKubernetesAndPolluxTake(t *testing.T) {
	if !slices.Equal(slices.Sorted(maps.Keys(kinds)), slices.Sorted(maps.Keys(shared.shapes))) {
		t.Fatalf("the shapes are %v", slices.Sorted(maps.Keys(shared.shapes)))
	}
	for name, values := range shared.shapes {
		for _, fault := range faults(shared.files, values) {
			t.Errorf("%s: %s", name, fault)
		}
		documents, notes, err := Render(shared.files, values)
		if err != nil {
			continue
		}
		objects, err := Read(documents)
		if err != nil {
			continue
		}
		want := maps.Clone(kinds[name])
		want["Service"], want["Pod"] = 2, 1
		if !maps.Equal(objects.Kinds, want) {
			t.Errorf("%s makes %v", name, objects.Kinds)
		}
		if !strings.Contains(notes, "What to do next") || strings.Contains(notes, "<no value>") {
			t.Errorf("%s says %q", name, notes)
		}
	}
}

// The values that docs/cloud.md shows are taken as they stand there.
func TestTheValuesInThePapersAreTaken(t *testing.T) {
	paper, err := os.ReadFile("../../docs/cloud.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(paper, -1)
	if len(shown) != 2 {
		t.Errorf("docs/cloud.md shows %d files of values, and not one for each mode", len(shown))
	}
	for _, values := range shown {
		for _, fault := range faults(shared.files, string(values[1])) {
			t.Errorf("docs/cloud.md: %s", fault)
		}
	}
}

func TestHelmFindsNothingToSay(t *testing.T) {
	for name, text := range shared.shapes {
		values := map[string]any{}
		if err := yaml.Unmarshal([]byte(text), &values); err != nil {
			t.Fatal(err)
		}
		for _, message := range lint.RunAll(Folder, values, "polls").Messages {
			// Helm would like an icon.
			if message.Severity > support.InfoSev {
				t.Errorf("%s: %s", name, message.Error())
			}
		}
	}
}

func TestWhatTheChartSaysOfPolluxIsSo(t *testing.T) {
	var listed map[string]string
	if err := yaml.UnmarshalStrict([]byte(shared.files["files/settings.yaml"]), &listed); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("CHART_UPDATE") != "" {
		if err := update(listed); err != nil {
			t.Fatal(err)
		}
	}
	for name := range shared.settings {
		if listed[name] == "" {
			t.Errorf("files/settings.yaml does not list %s: run `make chart CHART_UPDATE=1`", name)
		}
	}
	for name := range listed {
		if _, known := shared.settings[name]; !known {
			t.Errorf("files/settings.yaml lists %s, which docs/settings.md does not: take it out", name)
		}
	}
	set := map[string]bool{}
	for _, values := range shared.shapes {
		documents, _, err := Render(shared.files, values)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := Read(documents)
		if err != nil {
			t.Fatal(err)
		}
		for _, pod := range objects.Pods {
			for name := range pod.Env() {
				set[name] = true
			}
		}
	}
	for name, owner := range listed {
		if owner != "settings" && !set[name] {
			t.Errorf("files/settings.yaml: no shape sets %s by %s", name, owner)
		}
	}
	var values struct {
		DrainSeconds int
		Database     struct {
			Port int
			Name string
		}
	}
	if err := yaml.Unmarshal([]byte(shared.files["values.yaml"]), &values); err != nil {
		t.Fatal(err)
	}
	if shared.settings["DB_NAME"] != values.Database.Name || shared.settings["DB_PORT"] != "5432" || values.Database.Port != 5432 {
		t.Errorf("%v is not the server's default", values.Database)
	}
	if oldest := strings.TrimPrefix(Versions[0], "v"); !strings.Contains(shared.files["Chart.yaml"], ">="+oldest+"-0") {
		t.Errorf("Chart.yaml says another kubeVersion than %s", oldest)
	}
	cargo, err := os.ReadFile("../../Cargo.toml")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^version = ("[^"]*")$`).FindSubmatch(cargo)
	if !strings.Contains(shared.files["Chart.yaml"], "appVersion: "+string(version[1])) {
		t.Errorf("Chart.yaml is not about version %s", version[1])
	}
}

// update adds the settings that the chart does not list yet to its file, as free ones.
func update(listed map[string]string) error {
	text := shared.files["files/settings.yaml"]
	for _, name := range slices.Sorted(maps.Keys(shared.settings)) {
		if _, known := listed[name]; !known {
			listed[name] = "settings"
			text += name + ": settings\n"
		}
	}
	return os.WriteFile(filepath.Join(Folder, "files/settings.yaml"), []byte(text), 0o644)
}

// Every value has its row in the README, by which people look for it.
func TestTheReadmeExplainsEveryValue(t *testing.T) {
	var values map[string]any
	if err := yaml.Unmarshal([]byte(shared.files["values.yaml"]), &values); err != nil {
		t.Fatal(err)
	}
	for name := range values {
		if !strings.Contains(shared.files["README.md"], "`"+name) {
			t.Errorf("README.md does not name %s", name)
		}
	}
}
