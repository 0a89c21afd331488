{{/* What cannot work is refused before anything is installed, with the value and the remedy. */}}
{{- define "tradewise.checks" -}}
{{- if not .Values.datadog.apiKeySecret.name -}}
{{- fail "datadog.apiKeySecret.name: name the Secret with your Datadog API key, e.g. made by `kubectl create secret generic datadog --from-file=api-key=FILE`" -}}
{{- end -}}
{{- if .Values.security.enabled -}}
{{- if not (and .Values.security.tlsSecret .Values.security.caSecret.name .Values.security.tokenSecret.name) -}}
{{- fail "security: name tlsSecret, caSecret.name and tokenSecret.name, or set security.enabled=false where everybody in the cluster may send" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.agent.enabled .Values.agent.podLogs.enabled (ne .Values.backend.road "stdout") -}}
{{- fail "agent.podLogs.enabled with backend.road=otlp: both roads at once bring every record twice; choose one" -}}
{{- end -}}
{{- if and (eq .Values.backend.road "stdout") (not (and .Values.agent.enabled .Values.agent.podLogs.enabled)) -}}
{{- fail "backend.road=stdout: nobody would read the lines; set agent.enabled and agent.podLogs.enabled" -}}
{{- end -}}
{{- if and .Values.backend.journeys (gt (int .Values.backend.replicas) 1) (not .Values.backend.redisSecret.name) -}}
{{- fail "backend.replicas > 1 with backend.journeys: each pod would count its own steps; name backend.redisSecret.name, or set backend.journeys=false" -}}
{{- end -}}
{{- if and .Values.kafka.enabled (not .Values.kafka.brokers) -}}
{{- fail "kafka.enabled: kafka.brokers must name your brokers, host:port,host:port" -}}
{{- end -}}
{{- if and .Values.kafka.enabled (not .Values.agent.enabled) -}}
{{- fail "kafka.enabled without agent.enabled: agents are who writes to Kafka" -}}
{{- end -}}
{{- if and (has "tail-sampling" .Values.gateway.overlays) (gt (int .Values.gateway.replicas) 1) (not .Values.kafka.enabled) -}}
{{- fail "gateway.overlays tail-sampling: one trace must come to one gateway; set gateway.replicas=1 or kafka.enabled" -}}
{{- end -}}
{{- if and .Values.gateway.autoscaling.enabled (lt (int .Values.gateway.autoscaling.maxReplicas) (int .Values.gateway.autoscaling.minReplicas)) -}}
{{- fail "gateway.autoscaling: maxReplicas is below minReplicas" -}}
{{- end -}}
{{- end -}}
