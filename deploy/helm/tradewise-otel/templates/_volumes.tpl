{{/* The ConfigMap of a component, its keys as files in folders again. */}}
{{- define "tradewise.config.volume" -}}
- name: config
  configMap:
    name: {{ include "tradewise.fullname" .root }}-{{ .component }}
    items:
      {{- range $path, $_ := .root.Files.Glob "files/collector/**" }}
      - {key: {{ include "tradewise.key" $path }}, path: {{ $path | trimPrefix "files/collector/" }}}
      {{- end }}
{{- end -}}
