{{/*
A kube-apiserver over the scratch etcd, for its pod alone: on loopback, with keys, a token and a policy that are made for this
one pod, read-only for whoever has the token. Nothing in the restored data makes it reach out: admission webhooks are off, and
what else it would call (aggregated APIs, conversion webhooks) is to go through a socket that is not there.
*/}}
{{- define "etcd-upkeep.apiserverContainers" -}}
{{- $kubernetes := .Values.drill.kubernetes }}
{{- $encryption := $kubernetes.encryptionConfig }}
{{- include "etcd-upkeep.checkStartup" . }}
{{- $password := include "etcd-upkeep.etcdCredentials" . | trim -}}
# A backup brings its alarms along, and with NOSPACE a kube-apiserver that has to write when it starts never gets ready.
- name: alarms
  {{- include "etcd-upkeep.drillEtcd" . | nindent 2 }}
  command: [etcdctl, --endpoints=http://127.0.0.1:2379, alarm, disarm]
  {{- with $password }}
  env:
    {{- . | nindent 4 }}
  {{- end }}
{{- with $password }}
# kube-apiserver knows etcd's users by their certificates alone, and the scratch etcd asks for none.
- name: auth
  {{- include "etcd-upkeep.drillEtcd" $ | nindent 2 }}
  command: [etcdctl, --endpoints=http://127.0.0.1:2379, auth, disable]
  env:
    {{- . | nindent 4 }}
{{- end }}
- name: apiserver-files
  {{- include "etcd-upkeep.drillTool" . | nindent 2 }}
  args:
    - apiserver
    - /apiserver
    {{- if $encryption.existingSecret }}
    - --encryption-provider-config
    - /encryption/encryption-provider-config.yaml
    {{- end }}
  volumeMounts:
    - { name: apiserver, mountPath: /apiserver }
    {{- if $encryption.existingSecret }}
    - { name: encryption-config, mountPath: /encryption, readOnly: true }
    {{- end }}
- name: kube-apiserver
  image: {{ include "etcd-upkeep.apiserverImage" . | quote }}
  restartPolicy: Always # a sidecar without a probe: the last container waits for it, and tells what it said if it never comes
  command:
    # It has no flag for a file with its log; go-runner is in its image for that.
    - /go-runner
    - --log-file=/drill/kube-apiserver.log
    - --also-stdout=true
    - --redirect-stderr=true
    - /usr/local/bin/kube-apiserver
    - --etcd-servers=http://127.0.0.1:2379
    {{- if ne .Values.objectPrefix "/registry/" }}
    - {{ printf "--etcd-prefix=%s" (trimSuffix "/" .Values.objectPrefix) | quote }}
    {{- end }}
    - --bind-address=127.0.0.1
    - --advertise-address=127.0.0.1
    - --secure-port=6443
    - --cert-dir=/apiserver
    - --service-account-issuer=https://kubernetes.default.svc
    - --service-account-key-file=/apiserver/service-account.pub
    - --service-account-signing-key-file=/apiserver/service-account.key
    - --token-auth-file=/apiserver/tokens.csv
    - --authorization-mode=ABAC
    - --authorization-policy-file=/apiserver/policy.jsonl
    - --anonymous-auth=false
    - --endpoint-reconciler-type=none
    - --service-cluster-ip-range={{ $kubernetes.serviceClusterIPRange }}
    - --etcd-compaction-interval=0 # what is compared is the revision of the backup
    - --disable-admission-plugins=MutatingAdmissionWebhook,ValidatingAdmissionWebhook
    - --egress-selector-config-file=/apiserver/egress-selector.json
    - --enable-priority-and-fairness=false
    - --feature-gates=APIServerIdentity=false,UnknownVersionInteroperabilityProxy=false
    {{- if $encryption.existingSecret }}
    - --encryption-provider-config=/apiserver/encryption.json
    {{- end }}
    {{- range $kubernetes.extraArgs }}
    - {{ . | quote }}
    {{- end }}
  securityContext:
    {{- include "etcd-upkeep.apiserverSecurityContext" . | nindent 4 }}
  resources:
    {{- toYaml $kubernetes.resources | nindent 4 }}
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    - { name: drill, mountPath: /drill }
    - { name: apiserver, mountPath: /apiserver }
{{- end }}

{{/* For what waits for it. */}}
{{- define "etcd-upkeep.apiserverArgs" -}}
- --apiserver-log
- /drill/kube-apiserver.log
- --apiserver-timeout
- {{ .Values.drill.kubernetes.startupTimeout | quote }}
{{- end }}

{{- define "etcd-upkeep.apiserverVolumes" -}}
{{- /* In memory: keys and tokens are on no disk. */ -}}
- name: apiserver
  emptyDir:
    medium: Memory
    sizeLimit: 16Mi
{{- with .Values.drill.kubernetes.encryptionConfig }}
{{- if .existingSecret }}
- name: encryption-config
  secret:
    secretName: {{ .existingSecret | quote }}
    defaultMode: 0444
    items:
      - key: {{ .secretKey | quote }}
        path: encryption-provider-config.yaml
{{- end }}
{{- end }}
{{- end }}

{{/*
The image's binary carries this capability as a file, so that nobody can start it who may not have it. Nor does anybody get it
by that, where privileges cannot grow (allowPrivilegeEscalation).
*/}}
{{- define "etcd-upkeep.apiserverSecurityContext" -}}
{{- $context := deepCopy .Values.securityContext }}
{{- $capabilities := $context.capabilities | default dict }}
{{- $added := append ($capabilities.add | default list) "NET_BIND_SERVICE" | uniq }}
{{- $_ := set $context "capabilities" (set $capabilities "add" $added) }}
{{- toYaml $context }}
{{- end }}

{{/* A pod that is over before its API server had its time would say nothing of it. */}}
{{- define "etcd-upkeep.checkStartup" -}}
{{- include "etcd-upkeep.checkDurations" . }}
{{- $timeout := .Values.drill.kubernetes.startupTimeout }}
{{- $deadline := int64 .Values.drill.activeDeadlineSeconds }}
{{- if ge (include "etcd-upkeep.seconds" $timeout | int64) $deadline }}
{{- fail (printf "\n\ndrill.kubernetes.startupTimeout is %s, and a drill ends after drill.activeDeadlineSeconds, %ds: raise that, or lower it." $timeout $deadline) }}
{{- end }}
{{- end }}
