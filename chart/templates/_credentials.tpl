{{/*
Who asks etcd, whether the values say it or extraEnv. For what asks the drill's etcd, which has the users of the cluster's
own and gets nothing else of extraEnv.
*/}}
{{- define "etcd-upkeep.etcdCredentials" }}
{{- include "etcd-upkeep.etcdCredentialsOfValues" . }}
{{- range .Values.extraEnv }}
{{- if include "etcd-upkeep.isEtcdCredential" .name }}
{{ list . | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{/* What extraEnv does not set. */}}
{{- define "etcd-upkeep.etcdCredentialsOfValues" }}
{{- $extra := include "etcd-upkeep.extraNames" . | fromJsonArray }}
{{- with .Values.etcd.auth }}
{{- if and .username (not (has "ETCDCTL_USER" $extra)) }}
- name: ETCDCTL_USER
  value: {{ .username | quote }}
{{- else if .existingSecret }}
{{- include "etcd-upkeep.secretEnv" (list $extra "ETCDCTL_USER" .existingSecret .secretKeys.username) }}
{{- end }}
{{- if .existingSecret }}
{{- include "etcd-upkeep.secretEnv" (list $extra "ETCDCTL_PASSWORD" .existingSecret .secretKeys.password) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "etcd-upkeep.isEtcdCredential" -}}
{{- if has . (list "ETCDCTL_USER" "ETCDCTL_PASSWORD") }}yes{{ end }}
{{- end }}

{{/*
extraEnv for what reads the store, asks no etcd and tells nobody: a password that nobody asks for has no place there, and the
URL of a Pushgateway may hold one.
*/}}
{{- define "etcd-upkeep.extraEnvOfStore" }}
{{- range .Values.extraEnv }}
{{- if not (or (include "etcd-upkeep.isEtcdCredential" .name) (eq .name "METRICS_PUSHGATEWAY_URL")) }}
{{ list . | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{- define "etcd-upkeep.s3Credentials" }}
{{- $extra := index . 0 }}
{{- with index . 1 }}
{{- if .existingSecret }}
{{- include "etcd-upkeep.secretEnv" (list $extra "AWS_ACCESS_KEY_ID" .existingSecret .secretKeys.accessKeyId) }}
{{- include "etcd-upkeep.secretEnv" (list $extra "AWS_SECRET_ACCESS_KEY" .existingSecret .secretKeys.secretAccessKey) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "etcd-upkeep.secretEnv" }}
{{- if not (has (index . 1) (index . 0)) }}
- name: {{ index . 1 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 2 | quote }}
      key: {{ index . 3 | quote }}
{{- end }}
{{- end }}

{{- define "etcd-upkeep.extraNames" }}
{{- $names := list }}
{{- range .Values.extraEnv }}{{ $names = append $names .name }}{{ end }}
{{- include "etcd-upkeep.once" (list $names "extraEnv has %s twice: Kubernetes takes the last, and refuses both from who applies on the server, as Helm 4, Flux and Argo CD do. Leave one.") }}
{{- toJson $names }}
{{- end }}
