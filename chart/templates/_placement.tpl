{{/*
On which nodes a pod may run. Of the root, whether the pod belongs to the control plane (to the etcd of its own node, or to
what a run left there), and whether it may come to lie there. That is only the default. Who gives a selector or an affinity
means it in place of that, not beside it, and would else need a null to take it away, which wrapper charts and installers lose
on its way.
*/}}
{{- define "etcd-upkeep.placement" -}}
{{- $values := (index . 0).Values }}
{{- $controlPlane := "node-role.kubernetes.io/control-plane" }}
{{- $affinity := $values.affinity }}
{{- $tolerations := $values.tolerations }}
{{- if and (index . 1) (not (or $affinity $values.nodeSelector)) }}
{{- /* Exists: the label's value is "" on kubeadm, "true" on k3s and RKE2. */}}
{{- $term := dict "matchExpressions" (list (dict "key" $controlPlane "operator" "Exists")) }}
{{- $required := dict "nodeSelectorTerms" (list $term) }}
{{- $affinity = dict "nodeAffinity" (dict "requiredDuringSchedulingIgnoredDuringExecution" $required) }}
{{- end }}
{{- if and (index . 2) (not $tolerations) }}
{{- $tolerations = list (dict "key" $controlPlane "operator" "Exists" "effect" "NoSchedule") }}
{{- end -}}
nodeSelector:
  {{- /* The images have no other system. */}}
  {{- include "etcd-upkeep.overlay" (list (dict "kubernetes.io/os" "linux") $values.nodeSelector) | nindent 2 }}
{{- with $tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
