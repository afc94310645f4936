{{/*
A CA from a Secret or a ConfigMap of its own, say of trust-manager, whatever the certificates come from. Each of these takes
whose CA it is ("etcd", "store") and the values of it; where none is named, they are empty. A folder of its own is
in nobody's way, and follows what is in there.
*/}}
{{- define "etcd-upkeep.caFile" -}}
{{- $ca := index . 1 }}
{{- if or $ca.existingSecret $ca.existingConfigMap }}/{{ index . 0 }}-ca/ca.crt{{ end }}
{{- end }}

{{- define "etcd-upkeep.caMount" }}
{{- with include "etcd-upkeep.caFile" . }}
- name: {{ dir . | base }}
  mountPath: {{ dir . }}
  readOnly: true
{{- end }}
{{- end }}

{{- define "etcd-upkeep.caVolume" }}
{{- $ca := index . 1 }}
{{- with include "etcd-upkeep.caFile" . }}
- name: {{ dir . | base }}
  {{- if $ca.existingSecret }}
  secret:
    secretName: {{ $ca.existingSecret | quote }}
  {{- else }}
  configMap:
    name: {{ $ca.existingConfigMap | quote }}
  {{- end }}
    # Whoever the pod runs as has to read it.
    defaultMode: 0444
    items:
      - key: {{ $ca.key | quote }}
        path: ca.crt
{{- end }}
{{- end }}
