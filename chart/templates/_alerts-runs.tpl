{{/*
Alerts on what the runs tell. With a textfile each node has the figures of the runs that it had itself, so it is the
newest that counts. Severities, and most of `for`, are in the values.
*/}}
{{- define "etcd-upkeep.alertsOfRuns" -}}
{{- $runs := .Values.prometheusRule.runs }}
{{- $hours := int64 $runs.noSuccessHours }}
{{- $shrunkTo := include "etcd-upkeep.text" $runs.shrunkTo }}
{{- $factor := include "etcd-upkeep.text" $runs.slow.factor }}
{{- $of := "" }}
{{- if and .Values.clusterName (not $runs.allClusters) }}{{ $of = printf "{cluster=%q}" .Values.clusterName }}{{ end }}
{{- $cluster := "cluster {{ $labels.cluster }}" }}
- name: etcd-upkeep
  rules:
    - alert: EtcdUpkeepNoSuccess
      # Looking back keeps it on when the figures are lost, say with the Pushgateway.
      expr: |-
        time() - max by (cluster) (max_over_time(etcd_upkeep_last_success_timestamp_seconds{{ $of }}[{{ mul 2 $hours }}h])) > {{ $hours }} * 3600
        or
        time() - max by (cluster) (etcd_upkeep_last_run_timestamp_seconds{{ $of }})
          unless on (cluster) max_over_time(etcd_upkeep_last_success_timestamp_seconds{{ $of }}[{{ mul 2 $hours }}h])
      annotations:
        summary: >-
          No run of etcd-upkeep on {{ $cluster }} has gone well for {{ $hours }} hours, or none ever has
        description: >-
          There may be no backup of the last night. See whether the CronJob still makes Jobs, then what the last run
          said of its failure, mend that and run it by hand.
        {{- include "etcd-upkeep.runbook" (list . "EtcdUpkeepNoSuccess") | nindent 8 }}
    - alert: EtcdUpkeepNotSeen
      expr: absent(etcd_upkeep_last_run_timestamp_seconds{{ $of }})
      for: {{ $hours }}h
      annotations:
        summary: >-
          Nothing has been heard of any run of etcd-upkeep for {{ $hours }} hours
        description: >-
          Either there are no runs, or nobody tells Prometheus of them. See whether the CronJob makes Jobs, whether
          their reports warn that somebody was not told, and whether Prometheus scrapes the Pushgateway or
          node_exporter.
        {{- include "etcd-upkeep.runbook" (list . "EtcdUpkeepNotSeen") | nindent 8 }}
    - alert: EtcdUpkeepRunFailed
      # 0 went well, 5 has an alert of its own, 6 left the work to another run.
      expr: |-
        max by (cluster) (
          {{- include "etcd-upkeep.newest" (list "etcd_upkeep_last_run_exit_code" $of) | nindent 10 }}
        ) > 0 != 5 != 6
      annotations:
        summary: >-
          The last run of etcd-upkeep on {{ $cluster }} failed with exit code {{ "{{ $value }}" }}
        description: >-
          It made no backup, or was ended before it was done. The exit code says which kind of failure it was, the
          pod's termination message and log say what to mend; then run it by hand.
        {{- include "etcd-upkeep.runbook" (list . "EtcdUpkeepRunFailed") | nindent 8 }}
    - alert: EtcdUpkeepRunPartial
      expr: |-
        max by (cluster) (
          {{- include "etcd-upkeep.newest" (list "etcd_upkeep_last_run_exit_code" $of) | nindent 10 }}
        ) == 5
      annotations:
        summary: >-
          The last run of etcd-upkeep on {{ $cluster }} made a backup, and then refused or failed at a step
        description: >-
          There is a backup, but the cluster is not well, or a member was not compacted or defragmented. The report's
          problems and steps say which and why; mend the cluster, then run it by hand.
        {{- include "etcd-upkeep.runbook" (list . "EtcdUpkeepRunPartial") | nindent 8 }}
    - alert: EtcdUpkeepBackupShrank
      # Against the smallest of what the members held before and after the run of the day before: what a defragmentation
      # gave back is no loss. Events come and go.
      expr: |-
        etcd_upkeep_backup_raw_bytes{{ $of }}
          < {{ $shrunkTo }} * min without (member, when) (etcd_upkeep_member_db_size_bytes{{ $of }} offset 1d)
        or
        sum without (resource) (etcd_upkeep_objects{{ include "etcd-upkeep.withMatcher" (list $of "resource!=\"events\"") }})
          < {{ $shrunkTo }} * sum without (resource) (etcd_upkeep_objects{{ include "etcd-upkeep.withMatcher" (list $of "resource!=\"events\"") }} offset 1d)
      annotations:
        summary: >-
          The last backup of {{ $cluster }} holds less than {{ include "etcd-upkeep.text" (mulf 100 $runs.shrunkTo) }} % of what was there a day before
        description: >-
          Either much was deleted, or the run looked at another or a restored etcd. etcd-upkeep's diff of the last two
          backups names the keys that are gone. Keep the older backups (backup.keepLast) until you know.
        {{- include "etcd-upkeep.runbook" (list . "EtcdUpkeepBackupShrank") | nindent 8 }}
    - alert: EtcdUpkeepRunSlow
      expr: |-
        (
          {{- include "etcd-upkeep.newest" (list "etcd_upkeep_run_duration_seconds" $of) | nindent 10 }}
        ) > {{ $factor }} * quantile_over_time(0.5, etcd_upkeep_run_duration_seconds{{ $of }}[7d] offset 1d)
        and
        etcd_upkeep_run_duration_seconds{{ $of }} > {{ int64 $runs.slow.seconds }} + quantile_over_time(0.5, etcd_upkeep_run_duration_seconds{{ $of }}[7d] offset 1d)
      annotations:
        summary: >-
          The last run of etcd-upkeep on {{ $cluster }} took {{ "{{ $value | humanizeDuration }}" }}, more than {{ $factor }} times as long as it usually does
        description: >-
          A slow disk or network, a larger database, or a member that lags. The durations of the steps say which of
          them it was; a slow disk is the one to mend first, for all of Kubernetes waits for it.
        {{- include "etcd-upkeep.runbook" (list . "EtcdUpkeepRunSlow") | nindent 8 }}
{{- end }}

{{/* A metric of the newest run of each cluster. */}}
{{- define "etcd-upkeep.newest" -}}
{{ index . 0 }}{{ index . 1 }}
and
etcd_upkeep_last_run_timestamp_seconds{{ index . 1 }}
  == on (cluster) group_left ()
max by (cluster) (etcd_upkeep_last_run_timestamp_seconds{{ index . 1 }})
{{- end }}

{{/* Matchers, with one more. */}}
{{- define "etcd-upkeep.withMatcher" -}}
{{- with index . 0 }}{{ trimSuffix "}" . }},{{ else }}{{ "{" }}{{ end }}{{ index . 1 }}{{ "}" }}
{{- end }}
