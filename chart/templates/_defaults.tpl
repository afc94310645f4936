{{/* Made from values.yaml by `npm run docs`, for _values.tpl. */}}
{{- define "etcd-upkeep.defaults" -}}
global:
  imageRegistry: ""
  imagePullSecrets: []
nameOverride: ""
fullnameOverride: ""
image:
  repository: ghcr.io/etcd-upkeep/etcd-upkeep
  tag: ""
  digest: ""
  pullPolicy: IfNotPresent
imagePullSecrets: []
commonLabels: {}
commonAnnotations: {}
cronJobLabels: {}
cronJobAnnotations: {}
jobLabels: {}
jobAnnotations: {}
schedule: ""
timeZone: Etc/UTC
suspend: false
runOnInstall: false
startingDeadlineSeconds: 7200
activeDeadlineSeconds: null
backoffLimit: 3
successfulJobsHistoryLimit: 3
failedJobsHistoryLimit: 3
terminationGracePeriodSeconds: 60
clusterName: ""
dryRun: false
logLevel: info
lockTtl: 60s
consistencyCheck: true
alarmDisarm: true
objectCounts: true
objectPrefix: /registry/
etcd:
  endpoints:
    - https://127.0.0.1:2379
  discoverMembers: true
  dialTimeout: 5s
  commandTimeout: 10s
  quotaBytes: ""
  members: 5
  tls:
    enabled: true
    hostPath:
      cacert: /etc/kubernetes/pki/etcd/ca.crt
      cert: /etc/kubernetes/pki/etcd/healthcheck-client.crt
      key: /etc/kubernetes/pki/etcd/healthcheck-client.key
    existingSecret: ""
    secretKeys:
      cacert: ca.crt
      cert: tls.crt
      key: tls.key
    ca:
      existingSecret: ""
      existingConfigMap: ""
      key: ca.crt
  auth:
    existingSecret: ""
    username: ""
    secretKeys:
      username: username
      password: password
backup:
  enabled: true
  skipConfirmed: false
  store: file:///backups
  hostPath: /var/backups/etcd-upkeep
  persistence:
    enabled: false
    existingClaim: ""
    storageClass: ""
    accessModes:
      - ReadWriteOnce
    size: 20Gi
    annotations: {}
  s3:
    existingSecret: ""
    secretKeys:
      accessKeyId: AWS_ACCESS_KEY_ID
      secretAccessKey: AWS_SECRET_ACCESS_KEY
    region: ""
    endpoint: ""
    ca:
      existingSecret: ""
      existingConfigMap: ""
      key: ca.crt
  compression: zstd
  checkStructure: true
  ageRecipients: []
  keepLast: 7
  keepDaily: 0
  keepWeekly: 0
  keepMonthly: 0
  timeout: 30m
compaction:
  enabled: true
  retention: 10000
  timeout: 10m
defrag:
  enabled: true
  minFragmentation: 0.45
  minDbSize: 100Mi
  quotaUsage: 0.8
  minReclaim: 32Mi
  moveLeader: true
  singleMember: true
  wait: 10s
  timeout: 10m
  allowKnownBadVersions: false
drill:
  enabled: false
  schedule: ""
  image: quay.io/coreos/etcd:v3.6.16
  sizeLimit: 20Gi
  activeDeadlineSeconds: 3600
  clusterId: ""
  ageIdentity:
    existingSecret: ""
    secretKey: identity.txt
  resources:
    requests:
      cpu: 100m
      memory: 256Mi
    limits:
      memory: 4Gi
  kubernetes:
    enabled: false
    image: ""
    encryptionConfig:
      existingSecret: ""
      secretKey: encryption-provider-config.yaml
    serviceClusterIPRange: 10.96.0.0/12
    startupTimeout: 2m
    extraArgs: []
    resources:
      requests:
        cpu: 100m
        memory: 512Mi
      limits:
        memory: 4Gi
browse:
  enabled: false
  ttl: 1h
metrics:
  pushgatewayUrl: ""
  textfile:
    enabled: false
    hostPath: /var/lib/node_exporter/textfile_collector
heartbeat:
  existingSecret: ""
  secretKey: url
prometheusRule:
  enabled: false
  labels: {}
  annotations: {}
  namespace: ""
  additionalRuleLabels: {}
  runbookUrl: https://github.com/etcd-upkeep/etcd-upkeep/blob/main/docs/monitoring.md
  runs:
    enabled: true
    allClusters: false
    noSuccessHours: 26
    shrunkTo: 0.5
    slow:
      factor: 3
      seconds: 300
  etcd:
    enabled: true
    job: .*etcd.*
    quota:
      info: 0.65
      warning: 0.75
      critical: 0.85
    fragmentation:
      ratio: 0.6
      minBytes: 524288000
    compaction:
      hours: 26
      minRevisions: 100000
    defragMinutes: 10
  alerts:
    EtcdUpkeepNoSuccess:
      enabled: true
      severity: critical
      for: 15m
      labels: {}
      annotations: {}
    EtcdUpkeepNotSeen:
      enabled: true
      severity: critical
      labels: {}
      annotations: {}
    EtcdUpkeepRunFailed:
      enabled: true
      severity: warning
      for: 15m
      labels: {}
      annotations: {}
    EtcdUpkeepRunPartial:
      enabled: true
      severity: warning
      for: 15m
      labels: {}
      annotations: {}
    EtcdUpkeepBackupShrank:
      enabled: true
      severity: warning
      for: ""
      labels: {}
      annotations: {}
    EtcdUpkeepRunSlow:
      enabled: true
      severity: info
      for: ""
      labels: {}
      annotations: {}
    EtcdQuotaUsage:
      enabled: true
      severities:
        info: info
        warning: warning
        critical: critical
      for: 10m
      labels: {}
      annotations: {}
    EtcdFragmentation:
      enabled: true
      severity: warning
      for: 1h
      labels: {}
      annotations: {}
    EtcdAlarm:
      enabled: true
      severity: critical
      for: ""
      labels: {}
      annotations: {}
    EtcdNotCompacted:
      enabled: true
      severity: warning
      for: 15m
      labels: {}
      annotations: {}
    EtcdDefragmentationLong:
      enabled: true
      severity: warning
      labels: {}
      annotations: {}
  extraRules: []
dashboard:
  enabled: false
  labels:
    grafana_dashboard: "1"
  annotations: {}
  namespace: ""
extraEnv: []
extraVolumes: []
extraVolumeMounts: []
hostNetwork: true
dnsPolicy: ""
dnsConfig: {}
hostAliases: []
extraPodSpec: {}
nodeSelector: {}
tolerations: []
affinity: {}
priorityClassName: system-cluster-critical
podSecurityContext:
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
securityContext:
  readOnlyRootFilesystem: true
  allowPrivilegeEscalation: false
  capabilities:
    drop:
      - ALL
resources:
  requests:
    cpu: 100m
    memory: 192Mi
  limits:
    memory: 384Mi
podAnnotations: {}
podLabels: {}
serviceAccount:
  create: true
  name: ""
  annotations: {}
networkPolicy:
  enabled: false
  etcd:
    ports:
      - 2379
    to: []
  store:
    ports: []
    to: []
  credentials:
    ports: []
    to: []
  proxy:
    ports: []
    to: []
  pushgateway:
    ports:
      - 9091
    to: []
  heartbeat:
    ports:
      - 443
    to: []
  dns:
    ports:
      - 53
    to: []
  extraEgress: []
extraObjects: []
{{- end }}
