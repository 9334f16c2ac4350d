package check

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// Versions are the oldest Kubernetes that Chart.yaml says it runs on, and the newest that there are schemas of.
var Versions = []string{"v1.31.0", "v1.37.0"}

// Schemas holds objects to three descriptions of Kubernetes' API:
//
//   - its JSON schemas, closed to unknown fields, of the oldest and of the newest version. They come with the Python
//     package kubernetes-validate, which `make chart` installs;
//   - the structural schemas of server-side apply, which also refuse two entries of one name in a list;
//   - the Go types, decoded strictly. Those of the ServiceMonitor are the Prometheus operator's.
type Schemas struct {
	folder    string
	compilers map[string]*jsonschema.Compiler
	compiled  map[string]*jsonschema.Schema
	converter managedfields.TypeConverter
	types     *runtime.Scheme
}

// NewSchemas reads the schemas; those of JSON are in the folder.
func NewSchemas(folder string) (*Schemas, error) {
	all := &Schemas{
		folder:    folder,
		compilers: map[string]*jsonschema.Compiler{},
		compiled:  map[string]*jsonschema.Schema{},
		converter: applyconfigurations.NewTypeConverter(scheme.Scheme),
		types:     runtime.NewScheme(),
	}
	if err := scheme.AddToScheme(all.types); err != nil {
		return nil, err
	}
	if err := monitoring.AddToScheme(all.types); err != nil {
		return nil, err
	}
	for _, version := range Versions {
		all.compilers[version] = jsonschema.NewCompiler()
		if err := all.add(version, "_definitions"); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// add reads one file of schemas.
func (all *Schemas) add(version, name string) error {
	text, err := os.ReadFile(filepath.Join(all.folder, version+"-local-strict", name+".json"))
	if err != nil {
		return fmt.Errorf("`make chart` installs the schemas: %w", err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	// The files name one another by an address, under which nothing is looked up.
	return all.compilers[version].AddResource("https://kubernetes.io/api/"+name+".json", document)
}

// of returns the JSON schema of a kind.
func (all *Schemas) of(version string, kind schema.GroupVersionKind) (*jsonschema.Schema, error) {
	group, _, _ := strings.Cut(kind.Group, ".")
	name := strings.ToLower(strings.Join([]string{kind.Kind, group, kind.Version}, "-"))
	name = strings.Replace(name, "--", "-", 1)
	key := version + " " + name
	if found, ok := all.compiled[key]; ok {
		return found, nil
	}
	if err := all.add(version, name); err != nil {
		return nil, err
	}
	compiled, err := all.compilers[version].Compile("https://kubernetes.io/api/" + name + ".json")
	all.compiled[key] = compiled
	return compiled, err
}

// Faults returns everything that an object breaks.
func (all *Schemas) Faults(document Document) []string {
	faults := []string{}
	say := func(who string, err error) bool {
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s: %s: %v", document.Template, who, err))
		}
		return err != nil
	}
	text, err := yaml.YAMLToJSONStrict([]byte(document.Text))
	if say("YAML", err) {
		return faults
	}
	object := &unstructured.Unstructured{}
	if say("object", object.UnmarshalJSON(text)) {
		return faults
	}
	kind := object.GroupVersionKind()
	typed, err := all.types.New(kind)
	if say("kinds", err) {
		return faults
	}
	say("Go types", yaml.UnmarshalStrict([]byte(document.Text), typed))
	if !scheme.Scheme.Recognizes(kind) {
		return faults
	}
	_, err = all.converter.ObjectToTyped(object)
	say("structural schema", err)
	for _, version := range Versions {
		compiled, err := all.of(version, kind)
		if say("JSON schema", err) {
			continue
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		say("JSON", err)
		say("JSON schema of "+version, compiled.Validate(value))
	}
	return faults
}
