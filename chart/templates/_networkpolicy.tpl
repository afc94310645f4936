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
