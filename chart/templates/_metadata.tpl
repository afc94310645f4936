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

{{/*
The metadata of an object, or of the Jobs and pods that one makes (those without a name): (dict "root" . "name" NAME
"namespace" NAMESPACE "component" COMPONENT "labels" LABELS "annotations" ANNOTATIONS). All but root may be left out. What is
given for one object wins over what is common to all; the chart's own labels win over both, because selectors find by them.
*/}}
{{- define "etcd-upkeep.metadata" -}}
{{- $component := .component | default "" }}
{{- $own := include "etcd-upkeep.labels" .root | fromYaml }}
{{- if $component }}{{ $_ := set $own "app.kubernetes.io/component" $component }}{{ end }}
{{- $labels := include "etcd-upkeep.overlay" (list .root.Values.commonLabels .labels $own) | fromYaml }}
{{- /* It would take a run for another one: the policies and people's selectors find by this label. */}}
{{- if and (not $component) (has (toString (get $labels "app.kubernetes.io/component")) (list "drill" "browse")) }}
{{- $labels = omit $labels "app.kubernetes.io/component" }}
{{- end }}
{{- with .name -}}
name: {{ . | quote }}
namespace: {{ $.namespace | default $.root.Release.Namespace | quote }}
{{ end -}}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with include "etcd-upkeep.overlay" (list .root.Values.commonAnnotations .annotations) | fromYaml }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Several maps as one; the later wins. Sprig's merge would take an empty text for one that is not there. */}}
{{- define "etcd-upkeep.overlay" -}}
{{- $all := dict }}
{{- range . }}
{{- range $key, $value := . }}{{ $_ := set $all $key $value }}{{ end }}
{{- end }}
{{- toYaml $all }}
{{- end }}
