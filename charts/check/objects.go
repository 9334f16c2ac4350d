package check

import (
	"fmt"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// Pod is a pod that an object of the chart makes.
type Pod struct {
	Owner    string
	Labels   map[string]string
	Spec     core.PodSpec
	Selector *meta.LabelSelector
	// Claims are the volumes that a StatefulSet adds to the pod.
	Claims   []core.PersistentVolumeClaim
	Replicas int32
}

// Component is what the chart calls the pod.
func (pod Pod) Component() string { return pod.Labels["app.kubernetes.io/component"] }

// Env returns the variables of the pod's container.
func (pod Pod) Env() map[string]core.EnvVar {
	found := map[string]core.EnvVar{}
	for _, variable := range pod.Spec.Containers[0].Env {
		found[variable.Name] = variable
	}
	return found
}

// Objects are the objects of one rendering, by their types.
type Objects struct {
	Kinds     map[string]int
	Metas     map[string]meta.ObjectMeta
	Pods      []Pod
	Services  []core.Service
	Ingresses []networking.Ingress
	Policies  []networking.NetworkPolicy
	Budgets   []policy.PodDisruptionBudget
	Monitors  []monitoring.ServiceMonitor
}

// Read decodes the documents.
func Read(documents []Document) (*Objects, error) {
	all := &Objects{Kinds: map[string]int{}, Metas: map[string]meta.ObjectMeta{}}
	for _, document := range documents {
		var object meta.PartialObjectMetadata
		if err := yaml.Unmarshal([]byte(document.Text), &object); err != nil {
			return nil, err
		}
		all.Kinds[object.Kind]++
		name := object.Kind + " " + object.Name
		if _, twice := all.Metas[name]; twice {
			return nil, fmt.Errorf("%s: there are two of %s", document.Template, name)
		}
		all.Metas[name] = object.ObjectMeta
		if err := all.add(name, object.Kind, []byte(document.Text)); err != nil {
			return nil, fmt.Errorf("%s: %w", document.Template, err)
		}
	}
	return all, nil
}

func (all *Objects) add(name, kind string, text []byte) error {
	switch kind {
	case "StatefulSet":
		var it apps.StatefulSet
		err := yaml.Unmarshal(text, &it)
		all.Pods = append(all.Pods, Pod{
			name, it.Spec.Template.Labels, it.Spec.Template.Spec, it.Spec.Selector,
			it.Spec.VolumeClaimTemplates, *it.Spec.Replicas,
		})
		return err
	case "Deployment":
		var it apps.Deployment
		err := yaml.Unmarshal(text, &it)
		pod := it.Spec.Template
		all.Pods = append(all.Pods, Pod{name, pod.Labels, pod.Spec, it.Spec.Selector, nil, *it.Spec.Replicas})
		return err
	case "Job":
		var it batch.Job
		err := yaml.Unmarshal(text, &it)
		all.Pods = append(all.Pods, Pod{name, it.Spec.Template.Labels, it.Spec.Template.Spec, nil, nil, 1})
		return err
	case "Pod":
		var it core.Pod
		err := yaml.Unmarshal(text, &it)
		all.Pods = append(all.Pods, Pod{name, it.Labels, it.Spec, nil, nil, 1})
		return err
	case "Service":
		return decode(text, &all.Services)
	case "Ingress":
		return decode(text, &all.Ingresses)
	case "NetworkPolicy":
		return decode(text, &all.Policies)
	case "PodDisruptionBudget":
		return decode(text, &all.Budgets)
	case "ServiceMonitor":
		return decode(text, &all.Monitors)
	}
	return fmt.Errorf("%s: nothing checks a %s yet", name, kind)
}

func decode[T any](text []byte, into *[]T) error {
	var it T
	err := yaml.Unmarshal(text, &it)
	*into = append(*into, it)
	return err
}

// selected returns the components of the pods that a selector finds. One that is empty finds all, which is never meant.
func (all *Objects) selected(selector map[string]string) []string {
	var found []string
	for _, pod := range all.Pods {
		if len(selector) > 0 && labels.SelectorFromSet(selector).Matches(labels.Set(pod.Labels)) {
			found = append(found, pod.Component())
		}
	}
	return found
}
