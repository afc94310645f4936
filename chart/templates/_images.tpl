{{- define "etcd-upkeep.image" -}}
{{- $image := .Values.image }}
{{- $version := printf ":%s" ($image.tag | default .Chart.AppVersion) }}
{{- if $image.digest }}{{ $version = printf "@%s" $image.digest }}{{ end }}
{{- include "etcd-upkeep.fromRegistry" (list . $image.repository) }}{{ $version }}
{{- end }}

{{- define "etcd-upkeep.drillImage" -}}
{{- include "etcd-upkeep.fromRegistry" (list . .Values.drill.image) }}
{{- end }}

{{/* In the version of the cluster, without what a distribution adds to it (+k3s1, -gke.123): there are no such images. */}}
{{- define "etcd-upkeep.apiserverImage" -}}
{{- $image := .Values.drill.kubernetes.image }}
{{- if not $image }}
{{- $version := regexFind "^v[0-9]+[.][0-9]+[.][0-9]+" .Capabilities.KubeVersion.Version }}
{{- if semverCompare "<1.29.0" (default "0.0.0" $version) }}
{{- fail (printf "\n\nThe kube-apiserver of drill and browse is to have the version of the cluster, and Helm does not know that here (it says %s): set drill.kubernetes.image, say to registry.k8s.io/kube-apiserver:v1.34.2, or render with --kube-version." .Capabilities.KubeVersion.Version) }}
{{- end }}
{{- $image = printf "registry.k8s.io/kube-apiserver:%s" $version }}
{{- end }}
{{- include "etcd-upkeep.fromRegistry" (list . $image) }}
{{- end }}

{{/*
An image as it is, or from global.imageRegistry. What stands before its first slash is a registry where it has a dot or a
port, or is localhost, and part of the image's own name otherwise: that is how container runtimes read it.
*/}}
{{- define "etcd-upkeep.fromRegistry" -}}
{{- $image := index . 1 }}
{{- with (index . 0).Values.global.imageRegistry }}
{{- $image = regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" $image "" | printf "%s/%s" (trimSuffix "/" .) }}
{{- end }}
{{- $image }}
{{- end }}

{{/* Each Secret once, whether it is given by its name or as a reference, for this chart or for all. */}}
{{- define "etcd-upkeep.imagePullSecrets" -}}
{{- $names := list }}
{{- range concat .Values.imagePullSecrets .Values.global.imagePullSecrets }}
{{- $name := . }}
{{- if kindIs "map" . }}{{ $name = .name }}{{ end }}
{{- $names = append $names $name }}
{{- end }}
{{- range $names | compact | uniq }}
- name: {{ . | quote }}
{{- end }}
{{- end }}
