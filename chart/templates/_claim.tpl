{{/*
A claim never shrinks, and keeps its access modes and its class. The API server refuses such a change when a part of the
upgrade is done already, so it is refused here, before anything is. What the cluster has is known to helm install and upgrade
only: helm template, a client-side dry run and Argo CD get nothing from lookup, and a rollback renders nothing. Helm itself
reads every object that it is about to make or change, so lookup takes no right that an installer does not need anyway.
*/}}
{{- define "etcd-upkeep.checkClaim" -}}
{{- $name := include "etcd-upkeep.claimName" . }}
{{- $asked := .Values.backup.persistence }}
{{- with lookup "v1" "PersistentVolumeClaim" .Release.Namespace $name }}
{{- $problems := list }}
{{- $phase := dig "status" "phase" "" . }}
{{- $size := .spec.resources.requests.storage }}
{{- $bytes := include "etcd-upkeep.bytes" $size | float64 }}
{{- $askedBytes := include "etcd-upkeep.bytes" $asked.size | float64 }}
{{- if lt $askedBytes $bytes }}
{{- $problems = append $problems (printf "It has %s and cannot shrink to %s: set backup.persistence.size to %s or more." $size $asked.size $size) }}
{{- else if and (gt $askedBytes $bytes) (ne $phase "Bound") }}
{{- $problems = append $problems (printf "It has %s and cannot grow to %s before it is bound to a volume: set backup.persistence.size to %s until then." $size $asked.size $size) }}
{{- end }}
{{- if ne (toJson .spec.accessModes) (toJson $asked.accessModes) }}
{{- $modes := join "," .spec.accessModes }}
{{- $problems = append $problems (printf "Its access modes are %s and stay so: set backup.persistence.accessModes to {%s}." $modes $modes) }}
{{- end }}
{{- $class := default "" .spec.storageClassName }}
{{- $askedClass := ternary "" $asked.storageClass (eq $asked.storageClass "-") }}
{{- if and (ne $class $askedClass) (or $asked.storageClass (include "etcd-upkeep.classWasAsked" .)) }}
{{- $problems = append $problems (printf "Its class is %q and stays so: set backup.persistence.storageClass to %q." $class (default "-" $class)) }}
{{- end }}
{{- if $problems }}
{{- $way := "leave it as it is, make another claim, and set backup.persistence.existingClaim to its name." }}
{{- if eq $phase "Pending" }}
{{- $way = printf "make it anew: it is not bound to a volume and holds nothing yet. kubectl -n %s delete pvc %s" .metadata.namespace $name }}
{{- end }}
{{- fail (printf "\n\nThe PersistentVolumeClaim %s is there already, and is not what the values ask for. Nothing was changed.\n- %s\nOr %s" $name (join "\n- " $problems) $way) }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Whether who made the claim asked for its class too. One that Kubernetes chose, then or later, may stay while nobody asks for
any.
*/}}
{{- define "etcd-upkeep.classWasAsked" -}}
{{- range .metadata.managedFields }}
{{- $fields := dig "fieldsV1" "f:spec" dict . }}
{{- if and (hasKey $fields "f:accessModes") (hasKey $fields "f:storageClassName") }}yes{{ end }}
{{- end }}
{{- end }}

{{/* A quantity as Kubernetes writes it (20Gi, 1.5G, 500m, 1e9), in bytes. */}}
{{- define "etcd-upkeep.bytes" -}}
{{- $text := toString . }}
{{- $units := dict "n" 1e-9 "u" 1e-6 "m" 1e-3 "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18
  "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 "Ei" 1152921504606846976.0 }}
{{- if regexMatch "[eE][+-]?[0-9]+$" $text }}
{{- float64 $text | printf "%.9f" }}
{{- else }}
{{- $number := regexFind "^[0-9.]+" $text }}
{{- mulf (float64 $number) (get $units (trimPrefix $number $text)) | printf "%.9f" }}
{{- end }}
{{- end }}
