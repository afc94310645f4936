{{- define "etcd-upkeep.selectorLabels" -}}
app.kubernetes.io/name: {{ include "etcd-upkeep.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "etcd-upkeep.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | include "etcd-upkeep.labelValue" }}
{{ include "etcd-upkeep.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | include "etcd-upkeep.labelValue" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
