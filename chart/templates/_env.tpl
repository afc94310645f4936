{{/* What a run is told. */}}
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
  "BACKUP_CHECK_STRUCTURE" .Values.backup.checkStructure
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
{{- include "etcd-upkeep.plainEnv" (list $extra $variables) }}
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

{{/* What fetch needs, which reads the store. */}}
{{- define "etcd-upkeep.readEnv" }}
{{- $extra := include "etcd-upkeep.extraNames" . | fromJsonArray }}
{{- $variables := dict
  "BACKUP" "latest"
  "BACKUP_STORE" .Values.backup.store
  "BACKUP_CHECK_STRUCTURE" .Values.backup.checkStructure
  "CLUSTER_NAME" .Values.clusterName
  "CLUSTER_ID" .Values.drill.clusterId
  "AWS_REGION" .Values.backup.s3.region
  "AWS_ENDPOINT_URL_S3" .Values.backup.s3.endpoint
  "AWS_CA_BUNDLE" (include "etcd-upkeep.caFile" (list "store" .Values.backup.s3.ca))
}}
{{- if .Values.drill.ageIdentity.existingSecret }}
{{- $_ := set $variables "BACKUP_AGE_IDENTITY_FILE" "/identity/identity.txt" }}
{{- end }}
{{- include "etcd-upkeep.plainEnv" (list $extra $variables) }}
{{- include "etcd-upkeep.s3Credentials" (list $extra .Values.backup.s3) }}
{{- end }}

{{/* What a drill needs to tell the Pushgateway: nothing, where there is none. */}}
{{- define "etcd-upkeep.pushEnv" }}
{{- if include "etcd-upkeep.pushgateway" . }}
{{- $extra := include "etcd-upkeep.extraNames" . | fromJsonArray }}
{{- include "etcd-upkeep.plainEnv" (list $extra (dict "METRICS_PUSHGATEWAY_URL" .Values.metrics.pushgatewayUrl)) }}
{{- range .Values.extraEnv }}
{{- if has (upper .name) (list "METRICS_PUSHGATEWAY_URL" "HTTPS_PROXY" "HTTP_PROXY" "NO_PROXY") }}
{{ list . | toYaml }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "etcd-upkeep.pushgateway" -}}
{{- include "etcd-upkeep.variable" (list . "METRICS_PUSHGATEWAY_URL" .Values.metrics.pushgatewayUrl) }}
{{- end }}

{{/*
Variables as plain text. What is empty is left out, which leaves the program's own default; 0 and false are told. What extraEnv
sets is left to it.
*/}}
{{- define "etcd-upkeep.plainEnv" }}
{{- $extra := index . 0 }}
{{- range $name, $value := index . 1 }}
{{- if not (or (eq (toString $value) "") (has $name $extra)) }}
- name: {{ $name }}
  value: {{ include "etcd-upkeep.text" $value | quote }}
{{- end }}
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
