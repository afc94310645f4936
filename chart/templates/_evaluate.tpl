{{/*
A value with each of its texts as a template of its own: (list . VALUE). The whole as one text would break templates: YAML
folds long lines, and doubles quotes. As JSON, under a key: Helm reads no JSON but maps and lists.
*/}}
{{- define "etcd-upkeep.evaluate" -}}
{{- $root := index . 0 }}
{{- $value := index . 1 }}
{{- if kindIs "string" $value }}
{{- $value = tpl $value $root }}
{{- else if kindIs "map" $value }}
{{- $map := dict }}
{{- range $key, $item := $value }}
{{- $_ := set $map (tpl $key $root) (include "etcd-upkeep.evaluate" (list $root $item) | fromJson).value }}
{{- end }}
{{- $value = $map }}
{{- else if kindIs "slice" $value }}
{{- $items := list }}
{{- range $value }}
{{- $items = append $items (include "etcd-upkeep.evaluate" (list $root .) | fromJson).value }}
{{- end }}
{{- $value = $items }}
{{- end }}
{{- dict "value" $value | toJson }}
{{- end }}
