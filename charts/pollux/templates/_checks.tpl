{{/* Refuses values that do not fit together, each with what to do. services.yaml, which always renders, includes it. */}}

{{- define "pollux.checks" -}}
{{- $v := .Values -}}
{{- if not $v.image.repository -}}
{{- fail "image.repository is empty, and no image of Pollux is published: build one (docker build -t REGISTRY/pollux .), push it, and set image.repository=REGISTRY/pollux" -}}
{{- end -}}
{{- include "pollux.checks.settings" . -}}
{{- include "pollux.checks.front" . -}}
{{- if eq $v.mode "cluster" -}}
{{- include "pollux.checks.cluster" . -}}
{{- else -}}
{{- if or $v.kafka.brokers $v.database.host -}}
{{- fail "kafka.brokers and database.host are for mode=cluster, and mode is embedded: set mode=cluster, or leave them out" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "pollux.checks.settings" -}}
{{- $known := .Files.Get "files/settings.yaml" | fromYaml -}}
{{- range $name, $value := .Values.settings -}}
{{- $owner := get $known $name -}}
{{- if not $owner -}}
{{- fail (printf "settings.%s is no setting of Pollux: correct its name, docs/settings.md lists them all" $name) -}}
{{- else if ne $owner "settings" -}}
{{- fail (printf "settings.%s is set by this chart: use the value %s for it" $name $owner) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "pollux.checks.front" -}}
{{- $v := .Values -}}
{{- if $v.ingress.enabled -}}
{{- if not $v.ingress.host -}}
{{- fail "ingress.enabled needs ingress.host: set the name that phones open, such as polls.example.org" -}}
{{- end -}}
{{- if not $v.trustedProxies -}}
{{- fail "ingress.enabled needs trustedProxies: name the addresses or networks of the ingress controller's pods, such as 10.244.0.0/16; without them all voters seem to have one address and share its limits" -}}
{{- end -}}
{{- end -}}
{{- if and $v.serviceMonitor.enabled (not $v.adminToken.existingSecret) -}}
{{- fail "serviceMonitor.enabled needs adminToken.existingSecret: /metrics takes the operator's token from other machines, so Prometheus must be given it. Create a Secret with it (kubectl create secret generic pollux-admin --from-literal=admin-token=$(openssl rand -hex 32)) and name it" -}}
{{- end -}}
{{- if and $v.secret.formerKey (not $v.secret.existingSecret) -}}
{{- fail "secret.formerKey is a key of secret.existingSecret: name that Secret, with the new secret and the former ones in it" -}}
{{- end -}}
{{- end -}}

{{- define "pollux.checks.cluster" -}}
{{- $v := .Values -}}
{{- if not $v.kafka.brokers -}}
{{- fail "mode=cluster needs kafka.brokers: list three of Kafka's brokers, such as kafka-0.kafka:9092" -}}
{{- end -}}
{{- if not $v.database.host -}}
{{- fail "mode=cluster needs database.host: the name of PostgreSQL's Service or server" -}}
{{- end -}}
{{- if not $v.database.existingSecret -}}
{{- fail (printf "mode=cluster needs database.existingSecret: create a Secret with PostgreSQL's account under the keys %s and %s, and name it" $v.database.userKey $v.database.passwordKey) -}}
{{- end -}}
{{- if not $v.secret.existingSecret -}}
{{- fail (printf "mode=cluster needs secret.existingSecret: create it once (kubectl create secret generic pollux-secret --from-literal=%s=$(openssl rand -base64 32)), keep a copy, and name it" $v.secret.key) -}}
{{- end -}}
{{- if and $v.kafka.sasl.mechanism (not $v.kafka.sasl.existingSecret) -}}
{{- fail (printf "kafka.sasl.mechanism needs kafka.sasl.existingSecret: create a Secret with Kafka's account under the keys %s and %s, and name it" $v.kafka.sasl.userKey $v.kafka.sasl.passwordKey) -}}
{{- end -}}
{{- if and (not $v.kafka.tls.enabled) (or $v.kafka.tls.caConfigMap $v.kafka.tls.caSecret $v.kafka.tls.clientSecret) -}}
{{- fail "kafka.tls names certificates and is off: set kafka.tls.enabled=true, or leave them out" -}}
{{- end -}}
{{- if and (ne $v.database.tls.mode "verify") (or $v.database.tls.caConfigMap $v.database.tls.caSecret) -}}
{{- fail "database.tls names an authority that nothing asks: set database.tls.mode=verify, or leave it out" -}}
{{- end -}}
{{- end -}}
