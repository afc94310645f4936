{{/*
What a run may reach, and what drill and browse may. Where a port is open to follows from what the pod is told: from its URLs, with
what extraEnv says in the place of a value.

Rules are gathered in a map from a destination (its `to` as JSON) to the ports that are open there, so that no two rules
have one destination, and no rule a port twice.
*/}}
{{- define "etcd-upkeep.runEgress" -}}
{{- $policy := .Values.networkPolicy }}
{{- $egress := dict }}
{{- $endpoints := include "etcd-upkeep.variable" (list . "ETCDCTL_ENDPOINTS" (join "," .Values.etcd.endpoints)) }}
{{- include "etcd-upkeep.allow" (list $egress $policy.etcd (splitList "," $endpoints) 2379) }}
{{- $pushgateway := include "etcd-upkeep.pushgateway" . }}
{{- include "etcd-upkeep.allowPushgateway" (list $egress .) }}
{{- $heartbeat := include "etcd-upkeep.variable" (list . "HEARTBEAT_URL" .Values.heartbeat.existingSecret) }}
{{- if $heartbeat }}
{{- include "etcd-upkeep.allow" (list $egress $policy.heartbeat (list $heartbeat) 443) }}
{{- end }}
{{- if include "etcd-upkeep.isBucket" . }}
{{- include "etcd-upkeep.allowStore" (list $egress .) }}
{{- else if or $pushgateway $heartbeat }}
{{- include "etcd-upkeep.allowProxies" (list $egress .) }}
{{- end }}
{{- include "etcd-upkeep.allowNames" (list $egress $policy.dns) }}
{{- include "etcd-upkeep.egressRules" (list $egress $policy.extraEgress) }}
{{- end }}

{{/* Of the root, a component that is also the end of its CronJob's name, and what its pods may reach. */}}
{{- define "etcd-upkeep.policyOf" -}}
{{- $component := index . 1 }}
{{- $egress := index . 2 }}
{{- with index . 0 -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- $name := include (printf "etcd-upkeep.%sName" $component) . }}
  {{- include "etcd-upkeep.metadata" (dict "root" . "component" $component "name" $name) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "etcd-upkeep.selectorLabels" . | nindent 6 }}
      app.kubernetes.io/component: {{ $component }}
  policyTypes: [Ingress, Egress]
  {{- with $egress }}
  egress:
    {{- . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Nothing, where the store is a folder, nobody is told, and nobody asks for more. */}}
{{- define "etcd-upkeep.drillEgress" -}}
{{- $egress := dict }}
{{- include "etcd-upkeep.allowPushgateway" (list $egress .) }}
{{- if include "etcd-upkeep.isBucket" . }}
{{- include "etcd-upkeep.allowStore" (list $egress .) }}
{{- else if include "etcd-upkeep.pushgateway" . }}
{{- include "etcd-upkeep.allowProxies" (list $egress .) }}
{{- end }}
{{- if $egress }}{{ include "etcd-upkeep.allowNames" (list $egress .Values.networkPolicy.dns) }}{{ end }}
{{- include "etcd-upkeep.egressRules" (list $egress .Values.networkPolicy.extraEgress) }}
{{- end }}

{{/* Nothing, where the store is a folder and nobody asks for more. A port-forward comes by way of kubelet, past all policies. */}}
{{- define "etcd-upkeep.browseEgress" -}}
{{- $egress := dict }}
{{- if include "etcd-upkeep.isBucket" . }}
{{- include "etcd-upkeep.allowStore" (list $egress .) }}
{{- include "etcd-upkeep.allowNames" (list $egress .Values.networkPolicy.dns) }}
{{- end }}
{{- include "etcd-upkeep.egressRules" (list $egress .Values.networkPolicy.extraEgress) }}
{{- end }}

{{- define "etcd-upkeep.allowPushgateway" }}
{{- $root := index . 1 }}
{{- with include "etcd-upkeep.pushgateway" $root }}
{{- include "etcd-upkeep.allow" (list (index $ 0) $root.Values.networkPolicy.pushgateway (list .) 9091) }}
{{- end }}
{{- end }}

{{/* Something, where the store is none of the pod's folders, or may be none. */}}
{{- define "etcd-upkeep.isBucket" -}}
{{- include "etcd-upkeep.variable" (list . "BACKUP_STORE" .Values.backup.store) | regexFind "^(s3://|\\$\\()" }}
{{- end }}

{{/* The bucket, who gives credentials for it, and the proxies on the way to both. */}}
{{- define "etcd-upkeep.allowStore" }}
{{- $egress := index . 0 }}
{{- with index . 1 }}
{{- $policy := .Values.networkPolicy }}
{{- $all := include "etcd-upkeep.variable" (list . "AWS_ENDPOINT_URL" "") }}
{{- $s3 := include "etcd-upkeep.variable" (list . "AWS_ENDPOINT_URL_S3" .Values.backup.s3.endpoint) | default $all }}
{{- include "etcd-upkeep.allow" (list $egress $policy.store (list $s3) 443) }}
{{- if not (include "etcd-upkeep.variable" (list . "AWS_ACCESS_KEY_ID" .Values.backup.s3.existingSecret)) }}
{{- $sts := include "etcd-upkeep.variable" (list . "AWS_ENDPOINT_URL_STS" "") | default $all }}
{{- include "etcd-upkeep.allow" (list $egress $policy.credentials (list $sts) 443) }}
{{- end }}
{{- include "etcd-upkeep.allowProxies" (list $egress .) }}
{{- end }}
{{- end }}

{{/* As a run reads them: the spelling in lower case first, http where there is no scheme. ALL_PROXY it does not know. */}}
{{- define "etcd-upkeep.allowProxies" }}
{{- $egress := index . 0 }}
{{- $root := index . 1 }}
{{- $urls := list }}
{{- range list "https_proxy" "http_proxy" }}
{{- $url := include "etcd-upkeep.variable" (list $root . "") | default (include "etcd-upkeep.variable" (list $root (upper .) "")) }}
{{- if $url }}{{ $urls = append $urls (regexMatch "://|^\\$\\(" $url | ternary $url (printf "http://%s" $url)) }}{{ end }}
{{- end }}
{{- if $urls }}
{{- include "etcd-upkeep.allow" (list $egress $root.Values.networkPolicy.proxy $urls 3128) }}
{{- end }}
{{- end }}

{{/* The names of all of them. */}}
{{- define "etcd-upkeep.allowNames" }}
{{- $dns := index . 1 }}
{{- $ports := list }}
{{- range $dns.ports }}
{{- $ports = concat $ports (list (dict "protocol" "UDP" "port" (int64 .)) (dict "protocol" "TCP" "port" (int64 .))) }}
{{- end }}
{{- include "etcd-upkeep.addRule" (list (index . 0) $dns.to $ports) }}
{{- end }}

{{/* Lets in what a part of networkPolicy names, and the ports of URLs; the last port, where there is none of either. */}}
{{- define "etcd-upkeep.allow" }}
{{- $part := index . 1 }}
{{- $numbers := $part.ports }}
{{- range index . 2 }}
{{- with include "etcd-upkeep.portOf" (trim .) }}{{ $numbers = append $numbers . }}{{ end }}
{{- end }}
{{- $ports := list }}
{{- range $numbers | default (list (index . 3)) }}{{ $ports = append $ports (dict "protocol" "TCP" "port" (int64 .)) }}{{ end }}
{{- include "etcd-upkeep.addRule" (list (index . 0) $part.to $ports) }}
{{- end }}

{{- define "etcd-upkeep.addRule" }}
{{- $egress := index . 0 }}
{{- $to := index . 1 | toJson }}
{{- /* A rule without ports would open all of them. */}}
{{- with index . 2 }}{{ $_ := set $egress $to (concat (get $egress $to | default list) . | uniq) }}{{ end }}
{{- end }}

{{- define "etcd-upkeep.egressRules" }}
{{- $rules := list }}
{{- range $to, $ports := index . 0 }}
{{- $rules = append $rules (dict "ports" $ports "to" (fromJsonArray $to)) }}
{{- end }}
{{- $rules = concat $rules (index . 1) }}
{{- range $rules }}{{ include "etcd-upkeep.asStored" . }}{{ end }}
{{- with $rules }}{{ toYaml . }}{{ end }}
{{- end }}

{{/*
A part of a policy as the API server stores it. It drops empty lists, and takes a policy that has them for another one at
each apply; a number as text is a port's name to it.
*/}}
{{- define "etcd-upkeep.asStored" }}
{{- $map := . }}
{{- range $key, $value := . }}
{{- /* First what is below: a map may be empty only then. */}}
{{- if kindIs "map" $value }}
{{- include "etcd-upkeep.asStored" $value }}
{{- else if kindIs "slice" $value }}
{{- range $value }}{{ if kindIs "map" . }}{{ include "etcd-upkeep.asStored" . }}{{ end }}{{ end }}
{{- end }}
{{- if or (kindIs "invalid" $value) (and (not $value) (or (kindIs "slice" $value) (eq $key "matchLabels"))) }}
{{- $_ := unset $map $key }}
{{- else if and (has $key (list "port" "endPort")) (regexMatch "^[1-9][0-9]*$" (toString $value)) }}
{{- $_ := set $map $key (int64 $value) }}
{{- end }}
{{- end }}
{{- end }}

{{/* A variable of the pod. `$(NAME)`, as Kubernetes writes it, for one of a Secret: it is set, and no more is known of it. */}}
{{- define "etcd-upkeep.variable" -}}
{{- $name := index . 1 }}
{{- $value := index . 2 }}
{{- range (index . 0).Values.extraEnv }}
{{- if eq .name $name }}{{ $value = ternary (printf "$(%s)" $name) (default "" .value) (not (empty .valueFrom)) }}{{ end }}
{{- end }}
{{- $value }}
{{- end }}

{{/* Of a URL, or of `host:port`; nothing, where it is not known. urlParse would end in an error on what it does not like. */}}
{{- define "etcd-upkeep.portOf" -}}
{{- $scheme := regexFind "^[a-zA-Z]+://" . }}
{{- $host := regexReplaceAll "^[^/]*@" (regexReplaceAll "[/?#].*$" (trimPrefix $scheme .) "") "" }}
{{- $port := regexFind "[1-9][0-9]*$" (regexFind ":[0-9]+$" $host) }}
{{- if $port }}{{ $port }}
{{- else if not (contains "$(" .) }}{{ get (dict "https://" "443" "http://" "80") (lower $scheme) }}
{{- end }}
{{- end }}
