{{/*
Where Kubernetes takes no more characters a name is cut, and ends in a hash of the whole: releases that differ only in what
is cut off must not share their objects. What is short enough stays as it is. A dot or a dash at an end is refused.
(list NAME LIMIT)
*/}}
{{- define "etcd-upkeep.cut" -}}
{{- $whole := index . 0 }}
{{- $limit := int (index . 1) }}
{{- if gt (len $whole) $limit }}
{{- $kept := $whole | trunc (int (sub $limit 9)) | trimAll "-._" }}
{{- printf "%s-%s" $kept ($whole | sha256sum | trunc 8) }}
{{- else }}
{{- $whole | trimAll "-._" }}
{{- end }}
{{- end }}

{{/* Another chart may have this one under an alias, such as etcdUpkeep, which names of objects cannot be. */}}
{{- define "etcd-upkeep.wholeName" -}}
{{- $name := .Values.nameOverride | default (.Chart.Name | lower | replace "_" "-") }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name }}
{{- end }}
{{- end }}

{{/*
The name of one of the release's objects: (list . SUFFIX LIMIT). All begin with one name, which is cut further only where
the suffix leaves less room. 52 characters: a CronJob adds 11 to its own for its Jobs, and 63 are allowed.
*/}}
{{- define "etcd-upkeep.nameWith" -}}
{{- $suffix := index . 1 }}
{{- $limit := min 52 (sub (index . 2) (len $suffix)) }}
{{- printf "%s%s" (include "etcd-upkeep.cut" (list (include "etcd-upkeep.wholeName" (index . 0)) $limit)) $suffix }}
{{- end }}

{{- define "etcd-upkeep.fullname" -}}
{{- include "etcd-upkeep.nameWith" (list . "" 52) }}
{{- end }}

{{- define "etcd-upkeep.drillName" -}}
{{- include "etcd-upkeep.nameWith" (list . "-drill" 52) }}
{{- end }}

{{- define "etcd-upkeep.browseName" -}}
{{- include "etcd-upkeep.nameWith" (list . "-browse" 52) }}
{{- end }}

{{- define "etcd-upkeep.dashboardName" -}}
{{- include "etcd-upkeep.nameWith" (list . "-dashboard" 63) }}
{{- end }}

{{- define "etcd-upkeep.claimName" -}}
{{- .Values.backup.persistence.existingClaim | default (include "etcd-upkeep.nameWith" (list . "-backups" 63)) }}
{{- end }}

{{- define "etcd-upkeep.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "etcd-upkeep.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* For labels. */}}
{{- define "etcd-upkeep.name" -}}
{{- .Values.nameOverride | default .Chart.Name | include "etcd-upkeep.labelValue" }}
{{- end }}

{{/* A version may have a plus, which the value of a label may not. */}}
{{- define "etcd-upkeep.labelValue" -}}
{{- include "etcd-upkeep.cut" (list (. | replace "+" "_") 63) }}
{{- end }}

{{/*
The name of an object that can be in another namespace than the release's, where it may meet that of a release of the same
name: there it ends in the release's namespace. No namespace has a dot, so no two releases come to the same name.
*/}}
{{- define "etcd-upkeep.nameIn" -}}
{{- $own := (index . 0).Release.Namespace }}
{{- index . 2 }}{{ if not (has (index . 1) (list "" $own)) }}.{{ $own }}{{ end }}
{{- end }}
