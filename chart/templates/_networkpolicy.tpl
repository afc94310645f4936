{{/* Nothing, where the store is a folder. */}}
{{- define "etcd-upkeep.egressToStore" -}}
{{- if hasPrefix "s3://" .Values.backup.store -}}
- ports:
    {{- range .Values.networkPolicy.store.ports }}
    - { protocol: TCP, port: {{ int64 . }} }
    {{- end }}
  {{- with .Values.networkPolicy.store.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Names of endpoints and of the store. */}}
{{- define "etcd-upkeep.egressToNames" -}}
- ports:
    - { protocol: UDP, port: 53 }
    - { protocol: TCP, port: 53 }
{{- end }}

{{/* Those who are told of a run: nothing, where nobody is. */}}
{{- define "etcd-upkeep.egressToSinks" -}}
{{- $policy := .Values.networkPolicy }}
{{- with .Values.metrics.pushgatewayUrl }}
{{- $url := urlParse . }}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- include "etcd-upkeep.egressTo" (dict "ports" (append $policy.pushgateway.ports $port) "to" $policy.pushgateway.to) }}
{{- end }}
{{- if .Values.heartbeat.existingSecret }}
{{- include "etcd-upkeep.egressTo" $policy.heartbeat }}
{{- end }}
{{- end }}

{{- define "etcd-upkeep.egressTo" }}
{{- $ports := list }}
{{- range .ports }}{{ $ports = append $ports (int64 .) }}{{ end }}
- ports:
    {{- range uniq $ports }}
    - { protocol: TCP, port: {{ . }} }
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
