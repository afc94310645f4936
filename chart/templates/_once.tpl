{{/* What Kubernetes would refuse, or merge into something that nobody asked for, in words and before anything is sent. */}}

{{/* Takes what may be there once, and the words for what is there twice. */}}
{{- define "etcd-upkeep.once" -}}
{{- $words := index . 1 }}
{{- $seen := list }}
{{- range index . 0 }}
{{- if has . $seen }}{{ fail (printf "\n\n%s" (printf $words .)) }}{{ end }}
{{- $seen = append $seen . }}
{{- end }}
{{- end }}

{{/* Takes a container's mounts, its pod's volumes (both as YAML), and what that pod is. */}}
{{- define "etcd-upkeep.checkMounts" -}}
{{- $volumes := list }}
{{- range index . 1 | fromYamlArray }}{{ $volumes = append $volumes .name }}{{ end }}
{{- include "etcd-upkeep.once" (list $volumes "Two volumes are named %s, which Kubernetes refuses: give the one in extraVolumes another name.") }}
{{- $pod := index . 2 }}
{{- $instead := dict
  "backups" "; or, if it is to hold the backups, set backup.hostPath to \"\" and backup.persistence.enabled to false"
  "textfile" "; or, if it is the folder of node_exporter, set metrics.textfile.hostPath to \"\""
}}
{{- $at := dict }}
{{- range index . 0 | fromYamlArray }}
{{- if not (has .name $volumes) }}
{{- fail (printf "\n\nextraVolumeMounts mounts the volume %s, which the pod of %s does not have: add it to extraVolumes, under a name of its own." .name $pod) }}
{{- end }}
{{- $name := .name }}
{{- $path := printf "/%s" .mountPath | clean }}
{{- with get $at $path }}
{{- fail (printf "\n\n%s is mounted twice, from the volumes %s and %s, which Kubernetes refuses. Give the one in extraVolumeMounts another mountPath%s." $path . $name (get $instead .)) }}
{{- end }}
{{- $_ := set $at $path .name }}
{{- end }}
{{- end }}
