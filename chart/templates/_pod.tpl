{{- define "etcd-upkeep.pod" -}}
{{- $mounts := include "etcd-upkeep.volumeMounts" . | trim }}
{{- $volumes := include "etcd-upkeep.volumes" . | trim }}
{{- include "etcd-upkeep.checkMounts" (list $mounts $volumes "the run") -}}
restartPolicy: Never
terminationGracePeriodSeconds: {{ int64 .Values.terminationGracePeriodSeconds }}
hostNetwork: {{ .Values.hostNetwork }}
{{ include "etcd-upkeep.podBasics" . }}
{{ include "etcd-upkeep.placement" (list . .Values.hostNetwork .Values.hostNetwork) }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
containers:
  - name: etcd-upkeep
    image: {{ include "etcd-upkeep.image" . | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    env:
      {{- include "etcd-upkeep.env" . | trim | nindent 6 }}
      {{- with .Values.extraEnv }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    securityContext:
      {{- toYaml .Values.securityContext | nindent 6 }}
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
    # A process that dies without its report shows the end of its log in its place.
    terminationMessagePolicy: FallbackToLogsOnError
    {{- with $mounts }}
    volumeMounts:
      {{- . | nindent 6 }}
    {{- end }}
{{- with $volumes }}
volumes:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What the pods of run and drill have in common. */}}
{{- define "etcd-upkeep.podBasics" -}}
serviceAccountName: {{ include "etcd-upkeep.serviceAccountName" . | quote }}
automountServiceAccountToken: false
{{- /* A Service named etcdctl would give the pod ETCDCTL_PORT, which a run refuses as a variable it does not know. */}}
enableServiceLinks: false
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . | quote }}
{{- end }}
{{- with include "etcd-upkeep.imagePullSecrets" . | trim }}
imagePullSecrets:
  {{- . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "etcd-upkeep.podSecurityContext" . | nindent 2 }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- $addresses := list }}
{{- range . }}{{ $addresses = append $addresses .ip }}{{ end }}
{{- include "etcd-upkeep.once" (list $addresses "hostAliases has the address %s twice, which Kubernetes refuses from who applies on the server, as Helm 4, Flux and Argo CD do: put all its hostnames into one of them.") }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- /* The schema refuses in it every key that stands in one of the pods already: YAML would let the last one win. */}}
{{- with .Values.extraPodSpec }}
{{ toYaml . }}
{{- end }}
{{- end }}
