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

{{/* A schema knows no sums: 23h90m is more than the day that a run takes for the longest. */}}
{{- define "etcd-upkeep.checkDurations" -}}
{{- $durations := dict
  "etcd.dialTimeout" .Values.etcd.dialTimeout
  "etcd.commandTimeout" .Values.etcd.commandTimeout
  "backup.timeout" .Values.backup.timeout
  "compaction.timeout" .Values.compaction.timeout
  "defrag.timeout" .Values.defrag.timeout
  "defrag.wait" .Values.defrag.wait
}}
{{- range $key, $duration := $durations }}
{{- if gt (include "etcd-upkeep.seconds" (toString $duration) | int64) 86400 }}
{{- fail (printf "\n\n%s is %s, and a run takes no more than 24h: lower it." $key $duration) }}
{{- end }}
{{- end }}
{{- end }}

{{/* How long a night may take. Only a backup is tried again: whatever fails later ends the Job. */}}
{{- define "etcd-upkeep.activeDeadlineSeconds" -}}
{{- include "etcd-upkeep.checkDurations" . }}
{{- $backup := default "30m" .Values.backup.timeout | toString | include "etcd-upkeep.seconds" | int64 }}
{{- $compact := default "10m" .Values.compaction.timeout | toString | include "etcd-upkeep.seconds" | int64 }}
{{- $defrag := default "10m" .Values.defrag.timeout | toString | include "etcd-upkeep.seconds" | int64 }}
{{- $wait := ternary "10s" .Values.defrag.wait (kindIs "invalid" .Values.defrag.wait) | toString | include "etcd-upkeep.seconds" | int64 }}
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

{{/* Helm reads numbers as floating point, and would print 10000000 as 1e+07 and 0.00001 as 1e-05. */}}
{{- define "etcd-upkeep.text" -}}
{{- if not (kindIs "float64" .) }}
{{- . }}
{{- else if eq . (floor .) }}
{{- int64 . }}
{{- else }}
{{- regexReplaceAll "[.]?0+$" (printf "%.9f" .) "" }}
{{- end }}
{{- end }}

{{/*
What a run is told. What is empty or null is left out, which leaves the run's own default; 0 and false are told. What
extraEnv sets is left to it.
*/}}
{{- define "etcd-upkeep.env" -}}
{{- $tls := .Values.etcd.tls }}
{{- $files := ternary $tls.secretKeys $tls.hostPath (ne $tls.existingSecret "") }}
{{- $extra := include "etcd-upkeep.extraNames" . | fromJsonArray }}
{{- $variables := dict
  "ETCDCTL_ENDPOINTS" (join "," .Values.etcd.endpoints)
  "ETCDCTL_DIAL_TIMEOUT" .Values.etcd.dialTimeout
  "ETCDCTL_COMMAND_TIMEOUT" .Values.etcd.commandTimeout
  "DISCOVER_MEMBERS" .Values.etcd.discoverMembers
  "QUOTA_BYTES" .Values.etcd.quotaBytes
  "CLUSTER_NAME" .Values.clusterName
  "DRY_RUN" .Values.dryRun
  "LOG_LEVEL" .Values.logLevel
  "LOCK_TTL" .Values.lockTtl
  "CONSISTENCY_CHECK" .Values.consistencyCheck
  "ALARM_DISARM" .Values.alarmDisarm
  "OBJECT_COUNTS" .Values.objectCounts
  "OBJECT_PREFIX" .Values.objectPrefix
  "METRICS_PUSHGATEWAY_URL" .Values.metrics.pushgatewayUrl
  "BACKUP_ENABLED" .Values.backup.enabled
  "BACKUP_SKIP_CONFIRMED" .Values.backup.skipConfirmed
  "BACKUP_STORE" .Values.backup.store
  "BACKUP_COMPRESSION" .Values.backup.compression
  "BACKUP_AGE_RECIPIENTS" (join "," .Values.backup.ageRecipients)
  "BACKUP_KEEP_LAST" .Values.backup.keepLast
  "BACKUP_KEEP_DAILY" .Values.backup.keepDaily
  "BACKUP_KEEP_WEEKLY" .Values.backup.keepWeekly
  "BACKUP_KEEP_MONTHLY" .Values.backup.keepMonthly
  "BACKUP_TIMEOUT" .Values.backup.timeout
  "AWS_REGION" .Values.backup.s3.region
  "AWS_ENDPOINT_URL_S3" .Values.backup.s3.endpoint
  "AWS_CA_BUNDLE" (include "etcd-upkeep.caFile" (list "store" .Values.backup.s3.ca))
  "COMPACTION_ENABLED" .Values.compaction.enabled
  "COMPACTION_RETENTION" .Values.compaction.retention
  "COMPACTION_TIMEOUT" .Values.compaction.timeout
  "DEFRAG_ENABLED" .Values.defrag.enabled
  "DEFRAG_MIN_FRAGMENTATION" .Values.defrag.minFragmentation
  "DEFRAG_MIN_DB_SIZE" .Values.defrag.minDbSize
  "DEFRAG_QUOTA_USAGE" .Values.defrag.quotaUsage
  "DEFRAG_MIN_RECLAIM" .Values.defrag.minReclaim
  "DEFRAG_MOVE_LEADER" .Values.defrag.moveLeader
  "DEFRAG_SINGLE_MEMBER" .Values.defrag.singleMember
  "DEFRAG_WAIT" .Values.defrag.wait
  "DEFRAG_TIMEOUT" .Values.defrag.timeout
  "DEFRAG_ALLOW_KNOWN_BAD_VERSIONS" .Values.defrag.allowKnownBadVersions
}}
{{- if $tls.enabled }}
{{- $_ := set $variables "ETCDCTL_CACERT" (include "etcd-upkeep.caFile" (list "etcd" $tls.ca) | default "/pki/ca.crt") }}
{{- if $files.cert }}
{{- $_ := set $variables "ETCDCTL_CERT" "/pki/client.crt" }}
{{- $_ := set $variables "ETCDCTL_KEY" "/pki/client.key" }}
{{- end }}
{{- end }}
{{- if .Values.metrics.textfile.enabled }}
{{- $_ := set $variables "METRICS_TEXTFILE" (printf "/textfile/%s.prom" (include "etcd-upkeep.fullname" .)) }}
{{- end }}
{{- range $name, $value := $variables }}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "") (has $name $extra)) }}
- name: {{ $name }}
  value: {{ include "etcd-upkeep.text" $value | quote }}
{{- end }}
{{- end }}
{{- if not (has "NODE_NAME" $extra) }}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- end }}
{{- include "etcd-upkeep.etcdCredentialsOfValues" . }}
{{- include "etcd-upkeep.s3Credentials" (list $extra .Values.backup.s3) }}
{{- with .Values.heartbeat }}
{{- if .existingSecret }}
{{- include "etcd-upkeep.secretEnv" (list $extra "HEARTBEAT_URL" .existingSecret .secretKey) }}
{{- end }}
{{- end }}
{{- end }}
