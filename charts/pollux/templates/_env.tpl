{{/* This file makes the environment of the containers. Each name is a setting of docs/settings.md; `make chart` checks that. */}}

{{- define "pollux.secretEnv" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end -}}

{{/* All commands that talk to Kafka need these variables, and take the free settings. */}}
{{- define "pollux.env.common" -}}
{{- if eq .Values.mode "cluster" }}
- name: KAFKA_BROKER
  value: {{ join "," .Values.kafka.brokers | quote }}
{{- with .Values.kafka.tls }}
{{- if .enabled }}
- name: POLLUX_KAFKA_TLS
  value: "true"
{{- if or .caConfigMap .caSecret }}
- name: POLLUX_KAFKA_CA
  value: /etc/pollux/kafka-ca/{{ .caKey }}
{{- end }}
{{- if .clientSecret }}
- name: POLLUX_KAFKA_CERTIFICATE
  value: /etc/pollux/kafka-client/tls.crt
- name: POLLUX_KAFKA_KEY
  value: /etc/pollux/kafka-client/tls.key
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.kafka.sasl }}
{{- if .mechanism }}
- name: POLLUX_KAFKA_SASL
  value: {{ .mechanism }}
{{ include "pollux.secretEnv" (dict "name" "POLLUX_KAFKA_USER" "secret" .existingSecret "key" .userKey) }}
{{ include "pollux.secretEnv" (dict "name" "POLLUX_KAFKA_PASSWORD" "secret" .existingSecret "key" .passwordKey) }}
{{- end }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ ternary (printf "%d" (int64 $value)) (toString $value) (kindIs "float64" $value) | quote }}
{{- end }}
{{- end -}}

{{/* A server needs these variables besides. */}}
{{- define "pollux.env.server" -}}
{{- include "pollux.env.common" . }}
- name: PORT
  value: "5000"
- name: POLLUX_HOST
  value: {{ .Values.listen | quote }}
- name: POLLUX_DRAIN
  value: {{ printf "%ds" (int64 .Values.drainSeconds) }}
{{- with include "pollux.publicUrl" . }}
- name: POLLUX_PUBLIC_URL
  value: {{ . | quote }}
{{- end }}
{{- with .Values.trustedProxies }}
- name: POLLUX_TRUSTED_PROXIES
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.secret }}
{{- if .existingSecret }}
{{ include "pollux.secretEnv" (dict "name" "POLLUX_SECRET" "secret" .existingSecret "key" .key) }}
{{- if .formerKey }}
{{ include "pollux.secretEnv" (dict "name" "POLLUX_FORMER_SECRETS" "secret" .existingSecret "key" .formerKey) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.adminToken }}
{{- if .existingSecret }}
{{ include "pollux.secretEnv" (dict "name" "POLLUX_ADMIN_TOKEN" "secret" .existingSecret "key" .key) }}
{{- end }}
{{- end }}
{{- if eq .Values.mode "embedded" }}
- name: POLLUX_DATA
  value: /var/lib/pollux
{{- else }}
- name: POLLUX_ROLES
  value: {{ .component }}
{{- with .Values.database }}
- name: DB_HOST
  value: {{ .host | quote }}
- name: DB_PORT
  value: {{ int64 .port | quote }}
- name: DB_NAME
  value: {{ .name | quote }}
{{ include "pollux.secretEnv" (dict "name" "DB_USER" "secret" .existingSecret "key" .userKey) }}
{{ include "pollux.secretEnv" (dict "name" "DB_PASSWORD" "secret" .existingSecret "key" .passwordKey) }}
- name: POLLUX_DB_TLS
  value: {{ .tls.mode | quote }}
{{- if or .tls.caConfigMap .tls.caSecret }}
- name: POLLUX_DB_CA
  value: /etc/pollux/database-ca/{{ .tls.caKey }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* These volumes hold the certificates that the environment names. */}}
{{- define "pollux.certificates" -}}
{{- if eq .Values.mode "cluster" }}
{{- if .Values.kafka.tls.enabled }}
{{- include "pollux.authority" (dict "name" "kafka-ca" "tls" .Values.kafka.tls) }}
{{- with .Values.kafka.tls.clientSecret }}
- name: kafka-client
  secret:
    secretName: {{ . }}
    # This is 0440 in decimal; the group is that of the pod.
    defaultMode: 288
{{- end }}
{{- end }}
{{- if ne .component "topics" }}
{{- include "pollux.authority" (dict "name" "database-ca" "tls" .Values.database.tls) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "pollux.authority" -}}
{{- if .tls.caConfigMap }}
- name: {{ .name }}
  configMap:
    name: {{ .tls.caConfigMap }}
{{- else if .tls.caSecret }}
- name: {{ .name }}
  secret:
    secretName: {{ .tls.caSecret }}
    defaultMode: 288
{{- end }}
{{- end -}}

{{/* Each of these volumes is mounted under its own name. */}}
{{- define "pollux.certificateMounts" -}}
{{- range include "pollux.certificates" . | fromYamlArray }}
- name: {{ .name }}
  mountPath: /etc/pollux/{{ .name }}
  readOnly: true
{{- end }}
{{- end -}}
