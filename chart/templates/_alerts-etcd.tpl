{{/*
Alerts on etcd's own metrics, which all of etcd 3.4 to 3.7 have unless it says otherwise. Severities, and most of `for`, are
in the values.
*/}}
{{- define "etcd-upkeep.alertsOfEtcd" -}}
{{- $etcd := .Values.prometheusRule.etcd }}
{{- $of := printf "{job=~%q}" $etcd.job }}
{{- $member := "etcd {{ $labels.instance }}" }}
- name: etcd
  rules:
    {{- range $level, $severity := .Values.prometheusRule.alerts.EtcdQuotaUsage.severities }}
    {{- if $severity }}
    {{- /* Of one name, so that what inhibits the lesser of two severities by the name does. */}}
    - alert: EtcdQuotaUsage
      # A quota below 0 is none.
      expr: etcd_mvcc_db_total_size_in_bytes{{ $of }} / (etcd_server_quota_backend_bytes{{ $of }} > 0) > {{ include "etcd-upkeep.text" (index $etcd.quota $level) }}
      labels:
        severity: {{ $severity | quote }}
      annotations:
        summary: >-
          The database of {{ $member }} fills {{ "{{ $value | humanizePercentage }}" }} of its quota
        description: >-
          At 100 % etcd refuses every write. Run etcd-upkeep by hand, which compacts and defragments; where the data
          themselves are so large, find by the objects by resource what can go, or raise --quota-backend-bytes.
        {{- include "etcd-upkeep.runbook" (list $ "EtcdQuotaUsage") | nindent 8 }}
    {{- end }}
    {{- end }}
    - alert: EtcdFragmentation
      expr: |-
        1 - etcd_mvcc_db_total_size_in_use_in_bytes{{ $of }} / etcd_mvcc_db_total_size_in_bytes{{ $of }} > {{ include "etcd-upkeep.text" $etcd.fragmentation.ratio }}
        and
        etcd_mvcc_db_total_size_in_bytes{{ $of }} > {{ int64 $etcd.fragmentation.minBytes }}
      annotations:
        summary: >-
          {{ "{{ $value | humanizePercentage }}" }} of the database file of {{ $member }} is not in use
        description: >-
          The file counts against the quota, not what is in use of it. The next run defragments it, if its policy says
          so; if it stays, see in the report why the member was left alone.
        {{- include "etcd-upkeep.runbook" (list . "EtcdFragmentation") | nindent 8 }}
    - alert: EtcdAlarm
      # The first is of etcd 3.6 and later, and lost when a member starts anew; the second is told where somebody asks /readyz
      # (kubelet does); the third stands for NOSPACE in every version.
      expr: |-
        max by (cluster, namespace, job, alarm_type) (
          etcd_debugging_server_alarms{{ $of }} > 0
          or
          label_replace(etcd_server_healthcheck{{ include "etcd-upkeep.withMatcher" (list $of "name=\"data_corruption\"") }} == 0, "alarm_type", "CORRUPT", "", "")
          or
          label_replace(etcd_mvcc_db_total_size_in_bytes{{ $of }} >= (etcd_server_quota_backend_bytes{{ $of }} > 0), "alarm_type", "NOSPACE", "", "")
        )
      annotations:
        summary: >-
          etcd (job {{ "{{ $labels.job }}" }}) has the alarm {{ "{{ $labels.alarm_type }}" }}
        description: >-
          NOSPACE, writes are refused, and Kubernetes can make no Job: run etcd-upkeep on a node, which makes room and
          disarms it. CORRUPT, members hold different data: keep every backup and replace the member that differs.
        {{- include "etcd-upkeep.runbook" (list . "EtcdAlarm") | nindent 8 }}
    - alert: EtcdNotCompacted
      expr: |-
        etcd_debugging_mvcc_compact_revision{{ $of }}
          <= max_over_time(etcd_debugging_mvcc_compact_revision{{ $of }}[1h] offset {{ int64 $etcd.compaction.hours }}h)
        and
        etcd_debugging_mvcc_current_revision{{ $of }} - etcd_debugging_mvcc_compact_revision{{ $of }} > {{ int64 $etcd.compaction.minRevisions }}
      annotations:
        summary: >-
          The history of {{ $member }} has not been compacted for {{ int64 $etcd.compaction.hours }} hours
        description: >-
          kube-apiserver compacts every five minutes, and etcd-upkeep every night; neither did. See whether
          kube-apiserver reaches etcd and has --etcd-compaction-interval above 0, and what the last run says of its
          step compact.
        {{- include "etcd-upkeep.runbook" (list . "EtcdNotCompacted") | nindent 8 }}
    - alert: EtcdDefragmentationLong
      expr: etcd_disk_defrag_inflight{{ $of }} > 0
      for: {{ int64 $etcd.defragMinutes }}m
      annotations:
        summary: >-
          {{ $member }} has been defragmented for {{ int64 $etcd.defragMinutes }} minutes and does not answer meanwhile
        description: >-
          It cannot be stopped. Leave the other members alone until it is over, see that kubelet does not kill etcd
          for it (its liveness probe), and look at the disk.
        {{- include "etcd-upkeep.runbook" (list . "EtcdDefragmentationLong") | nindent 8 }}
{{- end }}
