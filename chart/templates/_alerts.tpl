{{/*
The groups of rules. What the values say of an alert by its name is done here for all of them: it is left out, or gets its
severity, labels and annotations. An object without a rule would be one that somebody believes in.
*/}}
{{- define "etcd-upkeep.ruleGroups" -}}
{{- $values := .Values.prometheusRule }}
{{- $alerts := list }}
{{- if $values.runs.enabled }}{{ $alerts = include "etcd-upkeep.alertsOfRuns" . | fromYamlArray }}{{ end }}
{{- if $values.etcd.enabled }}{{ $alerts = include "etcd-upkeep.alertsOfEtcd" . | fromYamlArray | concat $alerts }}{{ end }}
{{- $groups := list }}
{{- range $alerts }}
{{- $rules := list }}
{{- range .rules }}
{{- $alert := index $values.alerts .alert }}
{{- if $alert.enabled }}
{{- include "etcd-upkeep.changeAlert" (list . $alert $values.additionalRuleLabels) }}
{{- $rules = append $rules . }}
{{- end }}
{{- end }}
{{- if $rules }}{{ $groups = append $groups (dict "name" .name "rules" $rules) }}{{ end }}
{{- end }}
{{- with $values.extraRules }}
{{- $groups = append $groups (dict "name" (printf "%s-extra" (include "etcd-upkeep.fullname" $)) "rules" .) }}
{{- end }}
{{- if not $groups }}
{{- fail "\n\nprometheusRule.enabled is true, but no rule is left: each alert is off by its name (prometheusRule.alerts) or with its group (prometheusRule.runs, .etcd). Leave one on, give prometheusRule.extraRules, or set prometheusRule.enabled to false." }}
{{- end }}
{{- toYaml $groups }}
{{- end }}

{{/* A rule is changed in place: by the values of its alert, and before them by the labels of all. */}}
{{- define "etcd-upkeep.changeAlert" }}
{{- $rule := index . 0 }}
{{- $alert := index . 1 }}
{{- $labels := deepCopy (index . 2) }}
{{- range list ($rule.labels | default dict) (pick $alert "severity") $alert.labels }}
{{- range $name, $value := . }}{{ $_ := set $labels $name $value }}{{ end }}
{{- end }}
{{- $_ := set $rule "labels" $labels }}
{{- range $name, $value := $alert.annotations }}{{ $_ := set $rule.annotations $name $value }}{{ end }}
{{- with $alert.for }}{{ $_ := set $rule "for" . }}{{ end }}
{{- end }}

{{/* The link to what an alert asks of people. */}}
{{- define "etcd-upkeep.runbook" -}}
runbook_url: {{ printf "%s#%s" (index . 0).Values.prometheusRule.runbookUrl (index . 1 | lower) | quote }}
{{- end }}
