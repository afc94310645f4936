{{/*
The pod that restores a backup into a scratch etcd, for who has its last container: (list . "drill"), which compares and ends,
or (list . "browse"), which keeps it for people to look at.
*/}}
{{- define "etcd-upkeep.scratchPod" -}}
{{- $main := index . 1 }}
{{- with index . 0 }}
{{- $drill := .Values.drill }}
{{- $kubernetes := or (eq $main "browse") $drill.kubernetes.enabled }}
{{- $password := include "etcd-upkeep.etcdCredentials" . | trim }}
{{- $fetchMounts := include "etcd-upkeep.fetchMounts" . | trim }}
{{- $volumes := include "etcd-upkeep.scratchVolumes" (list . $kubernetes) | trim }}
{{- include "etcd-upkeep.checkMounts" (list $fetchMounts $volumes (ternary "the drill" "browse" (eq $main "drill"))) -}}
restartPolicy: Never
terminationGracePeriodSeconds: 10
activeDeadlineSeconds: {{ include "etcd-upkeep.scratchDeadline" (list . $main) }}
{{- /* Never the node's network: its etcd would be found there in place of the scratch one. */}}
hostNetwork: false
{{- /* No priority class: kubelet does not evict what is critical, not even for more than its sizeLimit. */}}
{{ include "etcd-upkeep.podBasics" . }}
{{- /*
It follows the runs to where their backups are; what is in no node's folder it reads from anywhere. On the control plane it
may be where it could else be nowhere: a claim's volume may be there, since the runs are, and so may the nodes that the values
name.
*/}}
{{- $follows := and .Values.hostNetwork (include "etcd-upkeep.ofTheNode" (include "etcd-upkeep.storeVolumes" .)) }}
{{- $bound := or $follows .Values.nodeSelector .Values.affinity (include "etcd-upkeep.onClaim" (include "etcd-upkeep.storeVolumes" .)) }}
{{ include "etcd-upkeep.placement" (list . $follows (and .Values.hostNetwork $bound)) }}
initContainers:
  - name: fetch
    {{- include "etcd-upkeep.drillTool" . | nindent 4 }}
    # BACKUP is the one thing that somebody may want another way in a Job of their own: kubectl set env changes it.
    args: [fetch, $(BACKUP), /drill/snapshot.db, --receipt, /drill/receipt.json]
    env:
      {{- include "etcd-upkeep.readEnv" . | trim | nindent 6 }}
      {{- with include "etcd-upkeep.extraEnvOfStore" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
    volumeMounts:
      {{- $fetchMounts | nindent 6 }}
  - name: restore
    {{- include "etcd-upkeep.drillEtcd" . | nindent 4 }}
    # A token of its own gives it another ID than the cluster's, so that nothing can take it for that.
    command:
      - etcdutl
      - snapshot
      - restore
      - /drill/snapshot.db
      - --data-dir=/drill/etcd
      - --name=drill
      - --initial-cluster=drill=http://127.0.0.1:2380
      - --initial-advertise-peer-urls=http://127.0.0.1:2380
      - --initial-cluster-token=etcd-upkeep-drill
  - name: etcd
    {{- include "etcd-upkeep.drillEtcd" . | nindent 4 }}
    restartPolicy: Always # a sidecar: it ends with the pod
    command:
      - etcd
      - --data-dir=/drill/etcd
      - --name=drill
      - --listen-client-urls=http://127.0.0.1:2379
      - --advertise-client-urls=http://127.0.0.1:2379
      - --listen-peer-urls=http://127.0.0.1:2380
      - --initial-advertise-peer-urls=http://127.0.0.1:2380
      - --initial-cluster=drill=http://127.0.0.1:2380
      - --initial-cluster-token=etcd-upkeep-drill
      - --quota-backend-bytes=17179869184 # what came back must not meet an alarm of the scratch etcd
      - --log-level=warn
    # Of all that etcdctl asks this alone is answered without a password (there is no such lease). With one that is not the
    # backup's all else is refused, and the next container is to say that, not a probe that never gets through.
    startupProbe:
      exec:
        command: [etcdctl, --endpoints=http://127.0.0.1:2379, lease, keep-alive, "1"]
      periodSeconds: 2
      timeoutSeconds: 10
      failureThreshold: 300
  {{- if $kubernetes }}
  {{- include "etcd-upkeep.apiserverContainers" . | nindent 2 }}
  {{- end }}
containers:
  - name: {{ $main }}
    {{- include "etcd-upkeep.drillTool" . | nindent 4 }}
    {{- if eq $main "browse" }}
    {{- include "etcd-upkeep.browseContainer" . | nindent 4 }}
    {{- else }}
    {{- include "etcd-upkeep.drillContainer" (list . $kubernetes (ternary "" $password $kubernetes)) | nindent 4 }}
    {{- end }}
volumes:
  {{- $volumes | nindent 2 }}
{{- end }}
{{- end }}

{{/* Of the root, whether there is a kube-apiserver, and what the scratch etcd is to be asked with. */}}
{{- define "etcd-upkeep.drillContainer" -}}
{{- $kubernetes := index . 1 }}
{{- $password := index . 2 }}
{{- with index . 0 -}}
args:
  - drill
  - --receipt
  - /drill/receipt.json
  {{- if $kubernetes }}
  - --kubeconfig
  - /apiserver/kubeconfig
  {{- include "etcd-upkeep.apiserverArgs" . | nindent 2 }}
  {{- end }}
env:
  - name: ETCDCTL_ENDPOINTS
    value: http://127.0.0.1:2379
  {{- with $password }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if and $kubernetes (ne .Values.objectPrefix "/registry/") }}
  - name: OBJECT_PREFIX
    value: {{ .Values.objectPrefix | quote }}
  {{- end }}
  {{- with include "etcd-upkeep.pushEnv" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
volumeMounts:
  - { name: drill, mountPath: /drill, readOnly: true }
  {{- if $kubernetes }}
  - { name: apiserver, mountPath: /apiserver, readOnly: true }
  {{- end }}
{{- end }}
{{- end }}

{{- define "etcd-upkeep.browseContainer" -}}
args:
  - browse
  - --receipt
  - /drill/receipt.json
  - --ttl
  - {{ .Values.browse.ttl | quote }}
  {{- include "etcd-upkeep.apiserverArgs" . | nindent 2 }}
env:
  - name: KUBECONFIG
    value: /apiserver/kubeconfig
  - name: POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  - name: POD_NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
volumeMounts:
  - { name: drill, mountPath: /drill, readOnly: true }
  - { name: apiserver, mountPath: /apiserver, readOnly: true }
{{- end }}

{{/* How long the pod may be there, in seconds. (list . "drill") or (list . "browse"), which is kept on top of it. */}}
{{- define "etcd-upkeep.scratchDeadline" -}}
{{- $deadline := int64 (index . 0).Values.drill.activeDeadlineSeconds }}
{{- if eq (index . 1) "browse" }}
{{- include "etcd-upkeep.checkDurations" (index . 0) }}
{{- /* The API server takes no larger one. */}}
{{- $deadline = min 2147483647 (add $deadline (include "etcd-upkeep.seconds" (index . 0).Values.browse.ttl | int64)) }}
{{- end }}
{{- $deadline }}
{{- end }}

{{- define "etcd-upkeep.fetchMounts" -}}
- { name: drill, mountPath: /drill }
{{- if .Values.drill.ageIdentity.existingSecret }}
- { name: identity, mountPath: /identity, readOnly: true }
{{- end }}
{{- include "etcd-upkeep.storeMount" (dict "root" . "readOnly" true) }}
{{- end }}

{{/* Of the root, and whether there is a kube-apiserver. */}}
{{- define "etcd-upkeep.scratchVolumes" -}}
{{- $kubernetes := index . 1 }}
{{- with index . 0 -}}
- name: drill
  emptyDir:
    sizeLimit: {{ include "etcd-upkeep.text" .Values.drill.sizeLimit | quote }}
{{- with .Values.drill.ageIdentity }}
{{- if .existingSecret }}
- name: identity
  secret:
    secretName: {{ .existingSecret | quote }}
    defaultMode: 0444
    items:
      - key: {{ .secretKey | quote }}
        path: identity.txt
{{- end }}
{{- end }}
{{- if $kubernetes }}
{{ include "etcd-upkeep.apiserverVolumes" . }}
{{- end }}
{{- include "etcd-upkeep.storeVolumes" . }}
{{- end }}
{{- end }}

{{- define "etcd-upkeep.drillTool" -}}
image: {{ include "etcd-upkeep.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{ include "etcd-upkeep.drillLimits" . }}
terminationMessagePolicy: FallbackToLogsOnError
{{- end }}

{{- define "etcd-upkeep.drillEtcd" -}}
image: {{ include "etcd-upkeep.drillImage" . | quote }}
{{ include "etcd-upkeep.drillLimits" . }}
terminationMessagePolicy: FallbackToLogsOnError
volumeMounts:
  - { name: drill, mountPath: /drill }
{{- end }}

{{- define "etcd-upkeep.drillLimits" -}}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
resources:
  {{- toYaml .Values.drill.resources | nindent 2 }}
{{- end }}
