{{/*
Every template begins with this. A value that somebody set to null, or that a null took away, gets its default back: Helm
drops such a key, and what a template made of a missing one would be a crash or, worse, a 0. Numbers that came as text
become numbers, and an empty one is no 0.

The first template does it for all: Helm gives them one root and one map of values. Each for itself would take half of the
time of a render, and change nothing.
*/}}
{{- define "etcd-upkeep.fill" -}}
{{- if not (hasKey . "filled") }}
{{- include "etcd-upkeep.fillMap" (list .Values (include "etcd-upkeep.defaults" . | fromYaml)) }}
{{- $_ := set . "filled" true }}
{{- end }}
{{- end }}

{{- define "etcd-upkeep.fillMap" }}
{{- $given := index . 0 }}
{{- range $key, $default := index . 1 }}
{{- $value := index $given $key }}
{{- if or (kindIs "invalid" $value) (and (eq (toString $value) "") (kindIs "float64" $default)) }}
{{- $_ := set $given $key $default }}
{{- else if and (kindIs "map" $value) (include "etcd-upkeep.isFree" (list $key $default)) }}
{{- include "etcd-upkeep.dropNulls" $value }}
{{- if hasSuffix "ecurityContext" $key }}{{ include "etcd-upkeep.numbersIn" $value }}{{ end }}
{{- else if kindIs "map" $value }}
{{- include "etcd-upkeep.fillMap" (list $value $default) }}
{{- else if and (kindIs "string" $value) (kindIs "float64" $default) }}
{{- $_ := set $given $key (float64 $value) }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Whether the keys of a map are the user's own (labels, a part of a pod): what is missing there was left out or taken away on
purpose.
*/}}
{{- define "etcd-upkeep.isFree" -}}
{{- $key := index . 0 }}
{{- if or (not (index . 1)) (has $key (list "labels" "podSecurityContext" "resources" "securityContext")) }}yes{{ end }}
{{- end }}

{{- define "etcd-upkeep.dropNulls" }}
{{- $map := . }}
{{- range $key, $value := . }}
{{- if kindIs "invalid" $value }}
{{- $_ := unset $map $key }}
{{- else if kindIs "map" $value }}
{{- include "etcd-upkeep.dropNulls" $value }}
{{- end }}
{{- end }}
{{- end }}

{{/* The IDs of users and groups, which the API server takes as numbers only. */}}
{{- define "etcd-upkeep.numbersIn" }}
{{- $map := . }}
{{- range $key, $value := . }}
{{- if and (kindIs "string" $value) (regexMatch "^[0-9]+$" $value) }}
{{- $_ := set $map $key (float64 $value | int64) }}
{{- end }}
{{- end }}
{{- end }}
