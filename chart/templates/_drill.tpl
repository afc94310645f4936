{{- define "etcd-upkeep.drillPod" -}}
{{- $drill := .Values.drill }}
{{- $fetchMounts := include "etcd-upkeep.fetchMounts" . | trim }}
{{- $volumes := include "etcd-upkeep.drillVolumes" . | trim }}
{{- include "etcd-upkeep.checkMounts" (list $fetchMounts $volumes "the drill") -}}
restartPolicy: Never
terminationGracePeriodSeconds: 10
activeDeadlineSeconds: {{ int64 $drill.activeDeadlineSeconds }}
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
    args: [fetch, latest, /drill/snapshot.db, --receipt, /drill/receipt.json]
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
    startupProbe:
      exec:
        command: [etcdctl, --endpoints=http://127.0.0.1:2379, endpoint, status]
      periodSeconds: 2
      timeoutSeconds: 10
      failureThreshold: 300
    {{- with include "etcd-upkeep.etcdCredentials" . | trim }}
    env:
      {{- . | nindent 6 }}
    {{- end }}
containers:
  - name: drill
    {{- include "etcd-upkeep.drillTool" . | nindent 4 }}
    args: [drill, --receipt, /drill/receipt.json]
    env:
      - name: ETCDCTL_ENDPOINTS
        value: http://127.0.0.1:2379
      {{- with include "etcd-upkeep.etcdCredentials" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
    volumeMounts:
      - { name: drill, mountPath: /drill, readOnly: true }
volumes:
  {{- $volumes | nindent 2 }}
{{- end }}

{{- define "etcd-upkeep.fetchMounts" -}}
- { name: drill, mountPath: /drill }
{{- if .Values.drill.ageIdentity.existingSecret }}
- { name: identity, mountPath: /identity, readOnly: true }
{{- end }}
{{- include "etcd-upkeep.storeMount" (dict "root" . "readOnly" true) }}
{{- end }}

{{- define "etcd-upkeep.drillVolumes" -}}
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
{{- include "etcd-upkeep.storeVolumes" . }}
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
