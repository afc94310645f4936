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
    {{- include "etcd-upkeep.metadata" (dict "root" . "labels" .Values.podLabels "annotations" .Values.podAnnotations) | nindent 4 }}
  spec:
    {{- include "etcd-upkeep.pod" . | nindent 4 }}
{{- end }}

{{/*
Whether there is a first Job. An upgrade has none, whatever it changes: it must not defragment anything in the middle of the
day. While the runs are suspended there is none either.
*/}}
{{- define "etcd-upkeep.hasFirstJob" -}}
{{- if and .Values.runOnInstall .Release.IsInstall (not .Values.suspend) }}yes{{ end }}
{{- end }}

{{/*
A Job's pod cannot be changed, so another one has another name: to Argo CD every sync is an install, and under the same name
the API server would refuse it.
*/}}
{{- define "etcd-upkeep.firstJobName" -}}
{{- $hash := include "etcd-upkeep.jobSpec" . | sha256sum | trunc 8 }}
{{- include "etcd-upkeep.nameWith" (list . (printf "-first-%s" $hash) 63) }}
{{- end }}
