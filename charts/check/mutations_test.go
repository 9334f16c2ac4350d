package check

import (
	"strings"
	"testing"
)

// mutations are mistakes that somebody could make in the chart. Each must be noticed, by what it is.
var mutations = []struct {
	name, shape, file, old, new, want string
}{
	{"a misspelt field", "minimal", "templates/_pod.tpl", "automountServiceAccountToken:", "automountServiceAcountToken:", "automountServiceAcountToken"},
	{"a misspelt field of a policy", "embedded", "templates/networkpolicy.yaml", "policyTypes:", "policyType:", "policyType"},
	{"a misspelt field of a monitor", "embedded", "templates/servicemonitor.yaml", "credentials:", "credential:", "credential"},
	{"a field of another kind", "cluster", "templates/cluster.yaml", "strategy:", "updateStrategy:", "updateStrategy"},
	{"a field in the wrong place", "minimal", "templates/_pod.tpl", "      port: http\n    periodSeconds: 10", "      port: http\n      periodSeconds: 10", "periodSeconds"},
	{"a missing field", "minimal", "templates/_pod.tpl", "      containerPort: 5000\n", "", "containerPort"},
	{"a text in place of a number", "cluster", "templates/cluster.yaml", "{{ int64 $values.replicas }}", "{{ $values.replicas | quote }}", "replicas"},
	{"a text in place of a switch", "embedded", "templates/services.yaml", "publishNotReadyAddresses: true", `publishNotReadyAddresses: "true"`, "publishNotReadyAddresses"},
	{"a number in place of a text", "cluster", "templates/_env.tpl", "{{ int64 .port | quote }}", "{{ int64 .port }}", "value"},
	{"a variable twice", "minimal", "templates/_env.tpl", "- name: PORT\n", "- name: POLLUX_HOST\n", "POLLUX_HOST"},
	{"a selector label that the pods lack", "cluster", "templates/cluster.yaml", "      app.kubernetes.io/component: {{ $role.component }}\n  template", "      app.kubernetes.io/part: {{ $role.component }}\n  template", "its selector finds []"},
	{"a selector that finds both roles", "cluster", "templates/cluster.yaml", "      app.kubernetes.io/component: {{ $role.component }}\n  template", "  template", "its selector finds ["},
	{"a Service of no pods", "minimal", "templates/services.yaml", "pollux.live/serves: \"true\"", "pollux.live/server: \"true\"", "-nodes finds []"},
	{"a Service that sends clients to processors", "cluster", "templates/services.yaml", "    app.kubernetes.io/component: {{ include \"pollux.front\" . }}\n  ports", "    pollux.live/serves: \"true\"\n  ports", "finds [processor web]"},
	{"a budget of no pods", "cluster", "templates/disruption.yaml", "      app.kubernetes.io/component: {{ . }}", "      app.kubernetes.io/component: {{ . }}s", "PodDisruptionBudget"},
	{"a policy of no pods", "embedded", "templates/networkpolicy.yaml", "      app.kubernetes.io/component: {{ $component }}", "      app.kubernetes.io/component: x", "NetworkPolicy"},
	{"a monitor of no Service", "embedded", "templates/servicemonitor.yaml", "component: nodes", "component: node", "ServiceMonitor"},
	{"a monitor that shows no token", "embedded", "templates/servicemonitor.yaml", "authorization:", "x-authorization:", "x-authorization"},
	{"pods spread around others", "cluster", "templates/_pod.tpl", "        app.kubernetes.io/component: {{ $.component }}", "        app.kubernetes.io/component: x", "spread around other pods"},
	{"a variable that is no setting", "cluster", "templates/_env.tpl", "name: POLLUX_DRAIN", "name: POLLUX_DRAIN_TIME", "POLLUX_DRAIN_TIME is no setting"},
	{"a variable of a name by hand", "managed", "templates/_env.tpl", `"POLLUX_KAFKA_USER"`, `"KAFKA_USER"`, "KAFKA_USER is no setting"},
	{"a password that everybody can read", "cluster", "templates/_env.tpl", `{{ include "pollux.secretEnv" (dict "name" "DB_PASSWORD" "secret" .existingSecret "key" .passwordKey) }}`, "- name: DB_PASSWORD\n  value: polling", "DB_PASSWORD is written"},
	{"a certificate on no volume", "managed", "templates/_env.tpl", "/etc/pollux/kafka-ca/", "/etc/pollux/kafka/", "is on no volume"},
	{"data on no volume", "minimal", "templates/embedded.yaml", "mountPath: /var/lib/pollux", "mountPath: /data", "POLLUX_DATA=/var/lib/pollux is on no volume"},
	{"a volume that is not there", "claimed", "templates/embedded.yaml", "        - name: data\n          persistent", "        - name: date\n          persistent", "mounted and not there"},
	{"two nodes on one folder", "minimal", "templates/embedded.yaml", "replicas: 1", "replicas: 2", "has 2 replicas"},
	{"a pod that is killed while it drains", "managed", "templates/_pod.tpl", "add (int64 .preStop) (int64 .Values.drainSeconds) 5", "add (int64 .Values.drainSeconds) 5", "killed before POLLUX_DRAIN"},
	{"liveness that hangs on Kafka", "cluster", "templates/_pod.tpl", "  livenessProbe:\n    httpGet:\n      path: /healthz", "  livenessProbe:\n    httpGet:\n      path: /readyz", "liveness probe asks /readyz"},
	{"a probe of no port", "minimal", "templates/_pod.tpl", "name: http\n      containerPort", "name: web\n      containerPort", "which is not there"},
	{"root", "minimal", "templates/_helpers.tpl", "runAsNonRoot: true\nrunAsUser: 5000", "runAsUser: 0", "not restricted"},
	{"another user than the image's", "minimal", "templates/_helpers.tpl", "runAsUser: 5000", "runAsUser: 1000", "image's user 5000"},
	{"capabilities", "minimal", "templates/_helpers.tpl", "drop: [ALL]", "drop: [NET_RAW]", "not restricted"},
	{"no seccomp", "minimal", "templates/_helpers.tpl", "type: RuntimeDefault", "type: Unconfined", "not restricted"},
	{"a file system that can be written to", "minimal", "templates/_helpers.tpl", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "root file system"},
	{"variables of Services", "minimal", "templates/_pod.tpl", "enableServiceLinks: false", "enableServiceLinks: true", "enableServiceLinks"},
	{"a kind that nothing checks", "minimal", "templates/services.yaml", "# Clients come in through this Service.\n", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n---\n", "nothing checks a ConfigMap yet"},
	{"an ingress that leads nowhere", "embedded", "templates/ingress.yaml", "name: http", "name: web", "which is not there"},
	{"a path without its type", "embedded", "templates/ingress.yaml", "            pathType: Prefix\n", "", "pathType"},
	{"a key twice", "minimal", "templates/services.yaml", "  clusterIP: None\n", "  clusterIP: None\n  clusterIP: None\n", "already"},
}

func TestMistakesAreNoticed(t *testing.T) {
	for _, it := range mutations {
		changed, err := shared.files.Changed(it.file, it.old, it.new)
		if err != nil {
			t.Errorf("%s: %v", it.name, err)
			continue
		}
		said := strings.Join(faults(changed, shared.shapes[it.shape]), "\n")
		if !strings.Contains(said, it.want) {
			t.Errorf("%s: not noticed as %q, but %q", it.name, it.want, said)
		}
	}
}

// refusals are values that must be refused, each with what the message must say.
var refusals = []struct{ shape, values, want string }{
	{"", "{}", "docker build -t REGISTRY/pollux"},
	{"minimal", "mode: custer", "one of 'embedded', 'cluster'"},
	{"minimal", "persistance: {size: 1Gi}", "'persistance' not allowed"},
	{"minimal", "persistence: {size: big}", "does not match pattern"},
	{"minimal", "drainSeconds: 25s", "want integer"},
	{"minimal", "embedded: {replicas: 2}", "'replicas' not allowed"},
	{"minimal", "settings: {POLLUX_LOG_LEVEL: debug}", "POLLUX_LOG_LEVEL is no setting of Pollux"},
	{"minimal", "settings: {POLLUX_SECRET: s3cr3t}", "use the value secret.existingSecret"},
	{"minimal", "settings: {POLLUX_LOG_FEED: [1]}", "got array"},
	{"minimal", "ingress: {enabled: true}", "set the name that phones open"},
	{"minimal", "ingress: {enabled: true, host: polls.example.org}", "needs trustedProxies"},
	{"minimal", "trustedProxies: [ingress]", "does not match pattern"},
	{"minimal", "serviceMonitor: {enabled: true}", "needs adminToken.existingSecret"},
	{"minimal", "secret: {formerKey: former}", "name that Secret"},
	{"minimal", "kafka: {brokers: ['a:9092']}", "set mode=cluster"},
	{"cluster", "kafka: {brokers: []}", "list three of Kafka's brokers"},
	{"cluster", "kafka: {brokers: [kafka]}", "does not match pattern"},
	{"cluster", "kafka: {sasl: {mechanism: PLAIN}}", "under the keys username and password"},
	{"cluster", "kafka: {sasl: {mechanism: OAUTHBEARER}}", "'SCRAM-SHA-512'"},
	{"cluster", "kafka: {tls: {caSecret: ca}}", "kafka.tls.enabled=true"},
	{"cluster", "database: {host: ''}", "needs database.host"},
	{"cluster", "database: {existingSecret: ''}", "needs database.existingSecret"},
	{"cluster", "database: {tls: {caSecret: ca}}", "database.tls.mode=verify"},
	{"cluster", "database: {password: x}", "'password' not allowed"},
	{"cluster", "secret: {existingSecret: ''}", "openssl rand -base64 32"},
	{"cluster", "web: {replicas: 0}", "minimum"},
}

func TestBadValuesAreRefusedWithWhatToDo(t *testing.T) {
	for _, it := range refusals {
		values, err := merged(shared.shapes[it.shape], it.values)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Render(shared.files, values); err == nil || !strings.Contains(err.Error(), it.want) {
			t.Errorf("%s with %s: not %q, but %v", it.shape, it.values, it.want, err)
		}
	}
}
