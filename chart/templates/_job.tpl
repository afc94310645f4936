{{/* A run, whether the schedule makes its Job or the chart itself. */}}
{{- define "etcd-upkeep.jobSpec" -}}
backoffLimit: {{ int64 .Values.backoffLimit }}
activeDeadlineSeconds: {{ include "etcd-upkeep.activeDeadlineSeconds" . }}
podFailurePolicy:
  rules:
    # Configuration, a later step, another run: the same would happen again.
    - action: FailJob
      onExitCodes:
        containerName: etcd-upkeep
        operator: In
        values: [2, 5, 6]
    - action: Ignore
      onPodConditions:
        - type: DisruptionTarget
          status: "True"
template:
  metadata:
    labels:
      {{- /* The chart's own win: the NetworkPolicy and people find the pods by them. */}}
      {{- merge (include "etcd-upkeep.labels" . | fromYaml) .Values.podLabels | toYaml | nindent 6 }}
    {{- with .Values.podAnnotations }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  spec:
    {{- include "etcd-upkeep.pod" . | nindent 4 }}
{{- end }}

{{/*
Whether there is a first Job. While the runs are suspended there is none: who pauses them wants no run that an upgrade makes.
*/}}
{{- define "etcd-upkeep.hasFirstJob" -}}
{{- if and .Values.runOnInstall (not .Values.suspend) }}yes{{ end }}
{{- end }}

{{/*
A Job's pod cannot be changed, so another one has another name: under the same name the API server refuses the upgrade. 63
characters are allowed.
*/}}
{{- define "etcd-upkeep.firstJobName" -}}
{{- $hash := include "etcd-upkeep.jobSpec" . | sha256sum | trunc 8 }}
{{- printf "%s-first-%s" (include "etcd-upkeep.fullname" . | trunc 46 | trimSuffix "-") $hash }}
{{- end }}
