{{/*
As whom the pods run: root where the run uses files of the node, which belong to root; else a user of their own. A drill is
the same user as the run, whose backups nobody else can read (mode 0600). What the user gives wins, key by key.
*/}}
{{- define "etcd-upkeep.podSecurityContext" -}}
{{- $given := .Values.podSecurityContext }}
{{- /* What a container says wins over its pod. */}}
{{- $asGiven := include "etcd-upkeep.overlay" (list $given .Values.securityContext) | fromYaml }}
{{- $default := dict }}
{{- if include "etcd-upkeep.ofTheNode" (include "etcd-upkeep.volumes" .) }}
{{- $default = dict "runAsUser" 0 "runAsGroup" 0 }}
{{- else if and (hasKey $asGiven "runAsUser") (eq (int64 $asGiven.runAsUser) 0) }}
{{- $default = dict "runAsGroup" 0 }}
{{- else if .Capabilities.APIVersions.Has "security.openshift.io/v1" }}
{{- /* OpenShift gives each namespace users and groups of its own, and refuses others. */}}
{{- $default = dict "runAsNonRoot" true }}
{{- else }}
{{- $default = dict "runAsNonRoot" true "runAsUser" 65532 "runAsGroup" 65532 "fsGroup" 65532 }}
{{- end }}
{{- $pod := include "etcd-upkeep.overlay" (list $default $given) | fromYaml }}
{{- $container := include "etcd-upkeep.overlay" (list $pod .Values.securityContext) | fromYaml }}
{{- if and $container.runAsNonRoot (hasKey $container "runAsUser") (eq (int64 $container.runAsUser) 0) }}
{{- fail "\n\nrunAsNonRoot is true, and the pod would run as root (runAsUser 0), which kubelet then never starts. It is root where you set podSecurityContext.runAsUser to 0, and by default where it uses files of the node, which belong to root: certificates (etcd.tls.hostPath), backups (backup.hostPath), metrics (metrics.textfile.hostPath) or a hostPath in extraVolumes. Take runAsNonRoot away; or use a Secret (etcd.tls.existingSecret) and a claim (backup.persistence.enabled) or a bucket in their place; or set podSecurityContext.runAsUser to one that may read and write those files." }}
{{- end }}
{{- toYaml $pod }}
{{- end }}
