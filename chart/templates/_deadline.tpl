{{/* A duration as Go writes it (1h30m), in whole seconds. */}}
{{- define "etcd-upkeep.seconds" -}}
{{- $units := dict "h" 3600.0 "m" 60.0 "s" 1.0 "ms" 0.001 "us" 0.000001 "µs" 0.000001 "ns" 0.000000001 }}
{{- $seconds := 0.0 }}
{{- range regexFindAll "[0-9.]+(h|ms|us|µs|ns|m|s)" . -1 }}
{{- $amount := regexFind "^[0-9.]+" . | float64 }}
{{- $seconds = addf $seconds (mulf $amount (get $units (regexFind "[a-zµ]+$" .))) }}
{{- end }}
{{- ceil $seconds | int64 }}
{{- end }}

{{/* A schema knows no sums: 23h90m is more than the day that anything here takes for the longest. */}}
{{- define "etcd-upkeep.checkDurations" -}}
{{- $durations := dict
  "etcd.dialTimeout" .Values.etcd.dialTimeout
  "etcd.commandTimeout" .Values.etcd.commandTimeout
  "backup.timeout" .Values.backup.timeout
  "compaction.timeout" .Values.compaction.timeout
  "defrag.timeout" .Values.defrag.timeout
  "defrag.wait" .Values.defrag.wait
  "drill.kubernetes.startupTimeout" .Values.drill.kubernetes.startupTimeout
  "browse.ttl" .Values.browse.ttl
}}
{{- range $key, $duration := $durations }}
{{- if gt (include "etcd-upkeep.seconds" (toString $duration) | int64) 86400 }}
{{- fail (printf "\n\n%s is %s, and no more than 24h is taken: lower it." $key $duration) }}
{{- end }}
{{- end }}
{{- end }}

{{/* How long a night may take. Only a backup is tried again: whatever fails later ends the Job. */}}
{{- define "etcd-upkeep.activeDeadlineSeconds" -}}
{{- include "etcd-upkeep.checkDurations" . }}
{{- $backup := .Values.backup.timeout | toString | include "etcd-upkeep.seconds" | int64 }}
{{- $compact := .Values.compaction.timeout | toString | include "etcd-upkeep.seconds" | int64 }}
{{- $defrag := .Values.defrag.timeout | toString | include "etcd-upkeep.seconds" | int64 }}
{{- $wait := .Values.defrag.wait | toString | include "etcd-upkeep.seconds" | int64 }}
{{- $members := max (int64 .Values.etcd.members) (len .Values.etcd.endpoints) }}
{{- /* Only the last member can overrun: its defragmentation is waited for up to three times its timeout, and ends the step. */}}
{{- $work := add (mul $members (add $compact $defrag $wait)) (mul 2 $defrag) }}
{{- $least := add $backup $work }}
{{- $given := .Values.activeDeadlineSeconds }}
{{- if has $given (list nil "") }}
{{- $inspection := 900 }}
{{- $tries := add 1 (int64 .Values.backoffLimit) }}
{{- /* A longer one overflows in the job controller, which then takes it for over at once. */}}
{{- min 2147483647 (add (mul $tries (add $inspection $backup)) $work) }}
{{- /* By way of a floating point number: a text that begins with 0 would else be octal. */}}
{{- else if lt (float64 $given | int64) $least }}
{{- $sum := printf "backup.timeout (%ds) + %d members x (compaction.timeout (%ds) + defrag.timeout (%ds) + defrag.wait (%ds)) + 2 x defrag.timeout" $backup $members $compact $defrag $wait }}
{{- fail (printf "\n\nactiveDeadlineSeconds is %d, less than %s = %d: Kubernetes would end a run in the middle of its work. Raise it, leave it out, or lower the timeouts." (float64 $given | int64) $sum $least) }}
{{- else }}
{{- float64 $given | int64 }}
{{- end }}
{{- end }}
