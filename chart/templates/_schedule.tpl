{{/* A minute of the small hours. The checksum of a checksum spreads names that differ in one letter. */}}
{{- define "etcd-upkeep.schedule" -}}
{{- $minute := mod (include "etcd-upkeep.seed" . | int64) 240 }}
{{- trim .Values.schedule | default (printf "%d %d * * *" (mod $minute 60) (add 1 (div $minute 60))) }}
{{- end }}

{{/* A minute of the week, after the small hours. */}}
{{- define "etcd-upkeep.drillSchedule" -}}
{{- $seed := include "etcd-upkeep.seed" . | int64 }}
{{- $minute := mod $seed 240 }}
{{- trim .Values.drill.schedule | default (printf "%d %d * * %d" (mod $minute 60) (add 5 (div $minute 60)) (mod (div $seed 240) 7)) }}
{{- end }}

{{- define "etcd-upkeep.seed" -}}
{{- printf "%s/%s/%s" .Release.Namespace .Release.Name .Values.clusterName | sha256sum | adler32sum }}
{{- end }}

{{/* What both CronJobs have beside their schedule. */}}
{{- define "etcd-upkeep.cronJobSpec" -}}
{{- if .Values.timeZone -}}
timeZone: {{ .Values.timeZone | quote }}
{{ end -}}
suspend: {{ .Values.suspend }}
concurrencyPolicy: Forbid
startingDeadlineSeconds: {{ int64 .Values.startingDeadlineSeconds }}
successfulJobsHistoryLimit: {{ int64 .Values.successfulJobsHistoryLimit }}
failedJobsHistoryLimit: {{ int64 .Values.failedJobsHistoryLimit }}
{{- end }}
