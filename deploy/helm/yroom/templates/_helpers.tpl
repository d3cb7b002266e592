{{- define "yroom.name" -}}
{{ contains .Chart.Name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "yroom.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "yroom.labels" -}}
{{ include "yroom.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* A variable whose value is an address, or is taken from a Secret. */}}
{{- define "yroom.address" -}}
- name: {{ .name }}
  {{- if .from.secret.name }}
  valueFrom:
    secretKeyRef: {name: {{ .from.secret.name | quote }}, key: {{ .from.secret.key | quote }}}
  {{- else }}
  value: {{ .from.url | quote }}
  {{- end }}
{{- end }}

{{- /* The template of pods. role is serve, consumer or worker; root is the context of the chart. */}}
{{- define "yroom.pod" -}}
{{- $values := .root.Values }}
{{- $clients := ne .role "worker" }}
{{- $file := and (eq .role "serve") (not .stored) }}
metadata:
  labels:
    {{- include "yroom.selector" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
  annotations:
    checksum/settings: {{ $values.settings | sha256sum }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false # a service of the name yroom would set variables that look like settings
  terminationGracePeriodSeconds: {{ add $values.shutdown.timeout 10 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with $values.imagePullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- if ne .role "serve" }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "yroom.selector" .root | nindent 10 }}
          app.kubernetes.io/component: {{ .role }}
  {{- end }}
  containers:
    - name: yroom
      image: {{ printf "%s:%s" $values.image.repository (default .root.Chart.AppVersion $values.image.tag) | quote }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args:
        - {{ .role }}
        - --config=/etc/yroom/yroom.yaml
        - --log-format=json
        - --shutdown-timeout={{ $values.shutdown.timeout }}s
        {{- if $clients }}
        - --shutdown-delay={{ $values.shutdown.delay }}s
        - --listen=:8000
        - --health=:8001
        {{- else }}
        - --listen=:8001
        {{- end }}
        {{- if $values.metrics.enabled }}
        - --metrics-listen=:9464
        {{- end }}
        {{- if $file }}
        - --store=sqlite:/data/yroom.db
        {{- end }}
        {{- if and $clients $values.ingress.enabled }}
        {{- $settings := fromYaml $values.settings }}
        {{- if not $settings.origin }}
        - {{ printf "--origin=%s" $values.ingress.host | quote }}
        {{- end }}
        {{- if not $settings.address_header }}
        - --address-header=X-Forwarded-For
        {{- end }}
        {{- end }}
      env:
        - name: GOMEMLIMIT
          valueFrom:
            resourceFieldRef: {containerName: yroom, resource: requests.memory}
        {{- if ne .role "serve" }}
        {{- include "yroom.address" (dict "name" "YROOM_LAYER" "from" $values.layer) | nindent 8 }}
        {{- end }}
        {{- if and .stored (ne .role "consumer") }}
        {{- include "yroom.address" (dict "name" "YROOM_STORE" "from" $values.store) | nindent 8 }}
        {{- end }}
      ports:
        {{- if $clients }}
        - {name: http, containerPort: 8000}
        {{- end }}
        - {name: health, containerPort: 8001}
        {{- if $values.metrics.enabled }}
        - {name: metrics, containerPort: 9464}
        {{- end }}
      startupProbe:
        httpGet: {path: /healthz, port: health}
        periodSeconds: 2
        failureThreshold: 150 # an upgrade may change the schema of a large store
      readinessProbe:
        httpGet: {path: /readyz, port: health}
        periodSeconds: 2
        failureThreshold: 1
      livenessProbe:
        httpGet: {path: /healthz, port: health}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      resources: {{ toYaml (index $values .role).resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: settings, mountPath: /etc/yroom/yroom.yaml, subPath: yroom.yaml, readOnly: true}
        {{- if $values.secretFiles }}
        - {name: secrets, mountPath: /etc/yroom/secrets, readOnly: true}
        {{- end }}
        {{- if $file }}
        - {name: data, mountPath: /data}
        {{- end }}
  volumes:
    - name: settings
      configMap: {name: {{ include "yroom.name" .root }}}
    {{- if $values.secretFiles }}
    - name: secrets
      secret: {secretName: {{ $values.secretFiles | quote }}, defaultMode: 0440}
    {{- end }}
{{- end }}
