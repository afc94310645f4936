{{/* "hostPath", "claim" or "none": what lies behind a file:// store. */}}
{{- define "etcd-upkeep.storeVolume" -}}
{{- $backup := .Values.backup }}
{{- if or (not $backup.enabled) (hasPrefix "s3://" $backup.store) }}none
{{- else if $backup.persistence.enabled }}claim
{{- else if $backup.hostPath }}hostPath
{{- else }}{{ include "etcd-upkeep.extraStore" . }}none
{{- end }}
{{- end }}

{{/* Nothing, where one of extraVolumeMounts is the store or holds it: elsewhere a backup would be gone with the pod. */}}
{{- define "etcd-upkeep.extraStore" -}}
{{- $store := .Values.backup.store | trimPrefix "file://" | trimSuffix "/" }}
{{- $mounted := false }}
{{- range .Values.extraVolumeMounts }}
{{- $mounted = or $mounted (hasPrefix (printf "%s/" (trimSuffix "/" .mountPath)) (printf "%s/" $store)) }}
{{- end }}
{{- if not $mounted }}
{{- fail (printf "\n\nNothing is mounted at %s, where backup.store is: set backup.hostPath (a folder on the node) or backup.persistence.enabled, or mount one of extraVolumes there with extraVolumeMounts." $store) }}
{{- end }}
{{- end }}

{{- define "etcd-upkeep.volumeMounts" -}}
{{- $tls := .Values.etcd.tls }}
{{- $ownCa := include "etcd-upkeep.caFile" (list "etcd" $tls.ca) }}
{{- if $tls.enabled }}
{{- include "etcd-upkeep.caMount" (list "etcd" $tls.ca) }}
{{- if and $tls.existingSecret (or $tls.secretKeys.cert (not $ownCa)) }}
- name: pki
  mountPath: /pki
  readOnly: true
{{- else if not $tls.existingSecret }}
{{- if not $ownCa }}
- name: etcd-ca
  mountPath: /pki/ca.crt
  readOnly: true
{{- end }}
{{- if $tls.hostPath.cert }}
- name: etcd-cert
  mountPath: /pki/client.crt
  readOnly: true
- name: etcd-key
  mountPath: /pki/client.key
  readOnly: true
{{- end }}
{{- end }}
{{- end }}
{{- if include "etcd-upkeep.textfileFolder" . }}
- name: textfile
  mountPath: /textfile
{{- end }}
{{- include "etcd-upkeep.storeMount" (dict "root" . "readOnly" false) }}
{{- end }}

{{/* Nothing, where the metrics go into no folder of the node. */}}
{{- define "etcd-upkeep.textfileFolder" -}}
{{- with .Values.metrics.textfile }}{{ if .enabled }}{{ .hostPath }}{{ end }}{{ end }}
{{- end }}

{{/* The store, its CA, and what else is mounted: it may hold the store. */}}
{{- define "etcd-upkeep.storeMount" }}
{{- $values := .root.Values }}
{{- include "etcd-upkeep.caMount" (list "store" $values.backup.s3.ca) }}
{{- if ne (include "etcd-upkeep.storeVolume" .root) "none" }}
- name: backups
  mountPath: {{ $values.backup.store | trimPrefix "file://" | quote }}
  {{- if .readOnly }}
  readOnly: true
  {{- end }}
{{- end }}
{{- with $values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "etcd-upkeep.volumes" -}}
{{- $tls := .Values.etcd.tls }}
{{- $ownCa := include "etcd-upkeep.caFile" (list "etcd" $tls.ca) }}
{{- if $tls.enabled }}
{{- include "etcd-upkeep.caVolume" (list "etcd" $tls.ca) }}
{{- /* No items at all would mean every one of the Secret's. */}}
{{- if and $tls.existingSecret (or $tls.secretKeys.cert (not $ownCa)) }}
- name: pki
  secret:
    secretName: {{ $tls.existingSecret | quote }}
    # Whoever the pod runs as has to read them; nobody else is in there.
    defaultMode: 0444
    items:
      {{- if not $ownCa }}
      - key: {{ $tls.secretKeys.cacert | quote }}
        path: ca.crt
      {{- end }}
      {{- if $tls.secretKeys.cert }}
      - key: {{ $tls.secretKeys.cert | quote }}
        path: client.crt
      - key: {{ $tls.secretKeys.key | quote }}
        path: client.key
      {{- end }}
{{- else if not $tls.existingSecret }}
{{- if not $ownCa }}
- name: etcd-ca
  hostPath:
    path: {{ $tls.hostPath.cacert | quote }}
    type: File
{{- end }}
{{- if $tls.hostPath.cert }}
- name: etcd-cert
  hostPath:
    path: {{ $tls.hostPath.cert | quote }}
    type: File
- name: etcd-key
  hostPath:
    path: {{ $tls.hostPath.key | quote }}
    type: File
{{- end }}
{{- end }}
{{- end }}
{{- with include "etcd-upkeep.textfileFolder" . }}
- name: textfile
  hostPath:
    path: {{ . | quote }}
    # A folder that is missing must not keep a backup from being made.
    type: DirectoryOrCreate
{{- end }}
{{- include "etcd-upkeep.storeVolumes" . }}
{{- end }}

{{- define "etcd-upkeep.storeVolumes" }}
{{- include "etcd-upkeep.caVolume" (list "store" .Values.backup.s3.ca) }}
{{- $store := include "etcd-upkeep.storeVolume" . }}
{{- if eq $store "claim" }}
- name: backups
  persistentVolumeClaim:
    claimName: {{ include "etcd-upkeep.claimName" . | quote }}
{{- else if eq $store "hostPath" }}
- name: backups
  hostPath:
    path: {{ .Values.backup.hostPath | quote }}
    type: DirectoryOrCreate
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Something, where one of the volumes is a file or a folder of the node. */}}
{{- define "etcd-upkeep.ofTheNode" -}}
{{- range fromYamlArray . }}{{ if .hostPath }}yes{{ end }}{{ end }}
{{- end }}

{{/* Something, where one of the volumes is a claim, whose volume may be on one node alone. */}}
{{- define "etcd-upkeep.onClaim" -}}
{{- range fromYamlArray . }}{{ if .persistentVolumeClaim }}yes{{ end }}{{ end }}
{{- end }}
