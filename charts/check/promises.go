package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// Image is what the Dockerfile says of the image.
type Image struct {
	User int64
	Home string
}

// Promises finds what Kubernetes would take and Pollux could not live with: selectors that miss their pods, ports and
// files that are not there, variables that are no settings, and rights that nothing needs.
func Promises(all *Objects, settings Settings, image Image) []string {
	faults := []string{}
	for name, it := range all.Metas {
		faults = append(faults, named(name, it.Name, it.Labels)...)
	}
	for _, pod := range all.Pods {
		say := func(format string, rest ...any) {
			faults = append(faults, pod.Owner+": "+fmt.Sprintf(format, rest...))
		}
		rights(pod, image, say)
		variables(pod, settings, say)
		files(pod, say)
		if pod.Labels["pollux.live/serves"] == "true" {
			server(pod, say)
		}
		selectors(all, pod, say)
	}
	return append(faults, network(all)...)
}

func named(kind, name string, all map[string]string) []string {
	var faults []string
	wrong := validation.IsDNS1123Subdomain(name)
	if strings.HasPrefix(kind, "Service ") {
		wrong = validation.IsDNS1035Label(name)
	}
	for key, value := range all {
		wrong = append(wrong, validation.IsQualifiedName(key)...)
		wrong = append(wrong, validation.IsValidLabelValue(value)...)
	}
	for _, label := range []string{"name", "instance", "component"} {
		if all["app.kubernetes.io/"+label] == "" && !strings.HasPrefix(kind, "ServiceMonitor ") {
			wrong = append(wrong, "no label "+label)
		}
	}
	for _, what := range wrong {
		faults = append(faults, kind+": "+what)
	}
	return faults
}

// rights holds a pod to the strictest of Kubernetes' Pod Security Standards, by the admission's own code, and to more.
func rights(pod Pod, image Image, say func(string, ...any)) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		say("%v", err)
		return
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, podMeta(pod), &pod.Spec))
	if !result.Allowed {
		say("not restricted: %s", result.ForbiddenDetail())
	}
	// The Service db would make DB_PORT=tcp://….
	if links := pod.Spec.EnableServiceLinks; links == nil || *links {
		say("enableServiceLinks is on")
	}
	if mounted := pod.Spec.AutomountServiceAccountToken; mounted == nil || *mounted {
		say("it is given a token of the Kubernetes API")
	}
	security := pod.Spec.SecurityContext
	if security == nil || security.RunAsUser == nil || *security.RunAsUser != image.User {
		say("it does not run as the image's user %d", image.User)
	}
	for _, container := range pod.Spec.Containers {
		own := container.SecurityContext
		if own == nil || own.ReadOnlyRootFilesystem == nil || !*own.ReadOnlyRootFilesystem {
			say("its root file system can be written to")
		}
		if container.Resources.Requests.Memory().IsZero() || container.Resources.Limits.Memory().IsZero() {
			say("its memory has no request or no limit")
		}
	}
}

func variables(pod Pod, settings Settings, say func(string, ...any)) {
	seen := map[string]bool{}
	for _, variable := range pod.Spec.Containers[0].Env {
		if _, known := settings[variable.Name]; !known {
			say("%s is no setting", variable.Name)
		}
		if seen[variable.Name] {
			say("%s is there twice", variable.Name)
		}
		seen[variable.Name] = true
		secret := slices.ContainsFunc([]string{"PASSWORD", "SECRET", "TOKEN"}, func(word string) bool {
			return strings.Contains(variable.Name, word)
		})
		if secret && variable.ValueFrom == nil {
			say("%s is written where everybody can read it", variable.Name)
		}
	}
}

// files checks that what is mounted is there, and that files that variables name are mounted.
func files(pod Pod, say func(string, ...any)) {
	volumes := map[string]bool{}
	for _, volume := range pod.Spec.Volumes {
		volumes[volume.Name] = true
	}
	for _, claim := range pod.Claims {
		volumes[claim.Name] = true
	}
	container := pod.Spec.Containers[0]
	for _, mount := range container.VolumeMounts {
		if !volumes[mount.Name] {
			say("the volume %s is mounted and not there", mount.Name)
		}
		delete(volumes, mount.Name)
	}
	for name := range volumes {
		say("the volume %s is not mounted", name)
	}
	for _, variable := range container.Env {
		mounted := slices.ContainsFunc(container.VolumeMounts, func(mount core.VolumeMount) bool {
			return variable.Value == mount.MountPath || strings.HasPrefix(variable.Value, mount.MountPath+"/")
		})
		if strings.HasPrefix(variable.Value, "/") && !mounted {
			say("%s=%s is on no volume", variable.Name, variable.Value)
		}
	}
}

// server checks a pod that runs `pollux serve`.
func server(pod Pod, say func(string, ...any)) {
	container := pod.Spec.Containers[0]
	probes := map[string]*core.Probe{
		"startup": container.StartupProbe, "liveness": container.LivenessProbe, "readiness": container.ReadinessProbe,
	}
	for name, probe := range probes {
		if probe == nil || probe.HTTPGet == nil {
			say("no %s probe", name)
			continue
		}
		path := probe.HTTPGet.Path
		if path != "/healthz" && (path != "/readyz" || name == "liveness") {
			say("the %s probe asks %s", name, path)
		}
		if !hasPort(pod, probe.HTTPGet.Port.String()) {
			say("the %s probe asks the port %s, which is not there", name, probe.HTTPGet.Port.String())
		}
	}
	drain, err := time.ParseDuration(pod.Env()["POLLUX_DRAIN"].Value)
	if err != nil {
		say("POLLUX_DRAIN: %v", err)
	}
	before := int64(0)
	if container.Lifecycle != nil && container.Lifecycle.PreStop != nil {
		before = container.Lifecycle.PreStop.Sleep.Seconds
	}
	grace := pod.Spec.TerminationGracePeriodSeconds
	if grace == nil || time.Duration(*grace-before)*time.Second <= drain {
		say("it is killed before POLLUX_DRAIN (%s) is over", drain)
	}
	if pod.Component() == "embedded" && pod.Replicas != 1 {
		say("an embedded node has %d replicas", pod.Replicas)
	}
}

func hasPort(pod Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(port core.ContainerPort) bool {
		return port.Name == name || fmt.Sprint(port.ContainerPort) == name
	})
}

// selectors checks that what makes a pod finds it again, and no other.
func selectors(all *Objects, pod Pod, say func(string, ...any)) {
	if pod.Selector != nil {
		if found := all.selected(pod.Selector.MatchLabels); !slices.Equal(found, []string{pod.Component()}) {
			say("its selector finds %v", found)
		}
	}
	for _, spread := range pod.Spec.TopologySpreadConstraints {
		if !labels.SelectorFromSet(spread.LabelSelector.MatchLabels).Matches(labels.Set(pod.Labels)) {
			say("it is spread around other pods")
		}
	}
}
