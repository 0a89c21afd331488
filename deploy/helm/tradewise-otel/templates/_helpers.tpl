{{/* The name of everything: the release's, so that two releases never share one. */}}
{{- define "tradewise.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes over upgrades: the selectors are made of it. */}}
{{- define "tradewise.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "tradewise.labels" -}}
{{ include "tradewise.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "tradewise.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "tradewise.gateway.url" -}}
{{ ternary "https" "http" .Values.security.enabled }}://{{ include "tradewise.fullname" . }}-gateway.{{ .Release.Namespace }}.svc:4318
{{- end -}}

{{/* Everybody's security context but the user: the restricted level asks for all of it. */}}
{{- define "tradewise.container.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* A file of collector/ as a key of a ConfigMap, which has no folders. */}}
{{- define "tradewise.key" -}}
{{ . | trimPrefix "files/collector/" | replace "/" "--" }}
{{- end -}}

{{/* A Secret's key as an environment variable. */}}
{{- define "tradewise.secret" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret.name }}
      key: {{ .secret.key }}
{{- end -}}

{{- define "tradewise.ports" -}}
- {name: otlp-http, containerPort: 4318}
- {name: otlp-grpc, containerPort: 4317}
- {name: health, containerPort: 13133}
- {name: ready, containerPort: 13134}
- {name: metrics, containerPort: 8888}
{{- end -}}

{{- define "tradewise.probes" -}}
startupProbe:
  httpGet: {path: /, port: health}
  periodSeconds: 2
  failureThreshold: 60
# Runs: nothing else is a reason to kill it, least of all an intake that is away.
livenessProbe:
  httpGet: {path: /, port: health}
  periodSeconds: 10
  failureThreshold: 6
# Intakes take what they are sent: when they have not for five minutes, senders keep it, on the node's disk.
readinessProbe:
  httpGet: {path: /, port: ready}
  periodSeconds: 5
  failureThreshold: 2
{{- end -}}

{{- define "tradewise.common.env" -}}
- {name: TRADEWISE_PROMETHEUS_HOST, value: 0.0.0.0}
- {name: TRADEWISE_MEMORY_MIB, value: {{ .memoryMiB | int | quote }}}
- {name: TRADEWISE_QUEUE_BYTES, value: {{ .queueBytes | int64 | quote }}}
{{- end -}}
