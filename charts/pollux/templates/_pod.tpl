{{/* This file has what the pods of all modes have in common. `component` is embedded, web, processor or topics. */}}

{{- define "pollux.podMetadata" -}}
{{- with .Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
labels:
  {{- include "pollux.labels" . | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
  {{- if ne .component "topics" }}
  pollux.live/serves: "true"
  {{- end }}
  {{- with .Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* The chart asks nothing of the Kubernetes API. Variables of Services are left out, because those of a Service
named db (DB_PORT=tcp://…) would be taken for settings. */}}
{{- define "pollux.podBasics" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "pollux.podSecurity" . | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "pollux.spread" -}}
topologySpreadConstraints:
  {{- range $key, $when := dict "topology.kubernetes.io/zone" .Values.topologySpread.zones "kubernetes.io/hostname" .Values.topologySpread.machines }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: {{ $when }}
    labelSelector:
      matchLabels:
        {{- include "pollux.selector" $ | nindent 8 }}
        app.kubernetes.io/component: {{ $.component }}
    # The pods of the version before are not counted, or a new version would be spread around them.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end -}}

{{/* The server's container. A web node or processor is started once it takes votes; an embedded one once it answers,
because its log takes votes from then on, or its disk is full and results can be read all the same. */}}
{{- define "pollux.server" -}}
- name: pollux
  image: {{ include "pollux.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args: [serve]
  # SQLite puts the temporary files of an upgrade here, which is the volume: nothing else can be written to.
  workingDir: /var/lib/pollux
  env:
    {{- include "pollux.env.server" . | trim | nindent 4 }}
  ports:
    - name: http
      containerPort: 5000
  # The process ends by itself, with 4, if Kafka or PostgreSQL does not answer within POLLUX_WAIT.
  startupProbe:
    httpGet:
      path: {{ ternary "/healthz" "/readyz" (eq .component "embedded") }}
      port: http
    periodSeconds: 2
    timeoutSeconds: 2
    # The first start of a new version may build indexes over all ballots, and gets ten minutes.
    failureThreshold: 300
  livenessProbe:
    httpGet:
      path: /healthz
      port: http
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
  readinessProbe:
    httpGet:
      path: {{ .readiness }}
      port: http
    periodSeconds: 5
    timeoutSeconds: 3
    failureThreshold: 2
  resources:
    {{- toYaml .resources | nindent 4 }}
  securityContext:
    {{- include "pollux.containerSecurity" . | nindent 4 }}
  {{- if .preStop }}
  lifecycle:
    preStop:
      sleep:
        seconds: {{ int64 .preStop }}
  {{- end }}
{{- end -}}

{{/* The grace period is longer than the sleep before the stop and POLLUX_DRAIN together. */}}
{{- define "pollux.grace" -}}
{{- add (int64 .preStop) (int64 .Values.drainSeconds) 5 -}}
{{- end -}}
