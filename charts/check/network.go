package check

import (
	"fmt"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// podMeta returns the metadata that the admission looks at.
func podMeta(pod Pod) *v1.ObjectMeta { return &v1.ObjectMeta{Labels: pod.Labels} }

// network checks what stands between the pods and everybody else.
func network(all *Objects) []string {
	faults := []string{}
	say := func(format string, rest ...any) { faults = append(faults, fmt.Sprintf(format, rest...)) }
	front := "embedded"
	if all.Kinds["Deployment"] > 0 {
		front = "web"
	}
	for _, service := range all.Services {
		found := all.selected(service.Spec.Selector)
		want := []string{front}
		if strings.HasSuffix(service.Name, "-nodes") {
			want = servers(all)
		}
		if !slices.Equal(found, want) {
			say("Service %s finds %v and not %v", service.Name, found, want)
		}
		for _, pod := range all.Pods {
			if slices.Contains(found, pod.Component()) && !hasPort(pod, service.Spec.Ports[0].TargetPort.String()) {
				say("Service %s leads to a port that %s does not have", service.Name, pod.Owner)
			}
		}
	}
	for _, ingress := range all.Ingresses {
		for _, rule := range ingress.Spec.Rules {
			for _, path := range rule.HTTP.Paths {
				to := path.Backend.Service
				if !all.hasServicePort(to.Name, to.Port.Name) {
					say("Ingress %s leads to %s:%s, which is not there", ingress.Name, to.Name, to.Port.Name)
				}
			}
		}
	}
	for _, budget := range all.Budgets {
		if found := all.selected(budget.Spec.Selector.MatchLabels); len(found) != 1 {
			say("PodDisruptionBudget %s finds %v", budget.Name, found)
		}
	}
	for _, policy := range all.Policies {
		if found := all.selected(policy.Spec.PodSelector.MatchLabels); len(found) != 1 {
			say("NetworkPolicy %s finds %v", policy.Name, found)
		}
	}
	for _, monitor := range all.Monitors {
		found := []string{}
		for _, service := range all.Services {
			if labels.SelectorFromSet(monitor.Spec.Selector.MatchLabels).Matches(labels.Set(service.Labels)) {
				found = append(found, service.Name)
			}
		}
		if len(found) != 1 || !all.hasServicePort(found[0], monitor.Spec.Endpoints[0].Port) {
			say("ServiceMonitor %s finds %v", monitor.Name, found)
		}
		if monitor.Spec.Endpoints[0].Authorization == nil {
			say("ServiceMonitor %s shows no token, and is refused", monitor.Name)
		}
	}
	return faults
}

// servers returns the components that run `pollux serve`.
func servers(all *Objects) []string {
	var found []string
	for _, pod := range all.Pods {
		if slices.Equal(pod.Spec.Containers[0].Args, []string{"serve"}) {
			found = append(found, pod.Component())
		}
	}
	return found
}

func (all *Objects) hasServicePort(name, port string) bool {
	return slices.ContainsFunc(all.Services, func(service core.Service) bool {
		return service.Name == name && slices.ContainsFunc(service.Spec.Ports, func(it core.ServicePort) bool {
			return it.Name == port
		})
	})
}
