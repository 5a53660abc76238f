{{- define "bgpnet.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "bgpnet.speakerImage" -}}
{{ .Values.image.repository }}:{{ coalesce .Values.speaker.image.tag .Values.image.tag (index .Chart.Annotations "bgpnet.io/speaker-version") }}
{{- end }}

{{/* No version in here: a DaemonSet's pods are made anew when anything of their template changes. */}}
{{- define "bgpnet.labels" -}}
app.kubernetes.io/name: bgpnet
app.kubernetes.io/component: {{ . }}
{{- end }}

{{/* Of a pod that runs on the host's network, whatever state the node is in. */}}
{{- define "bgpnet.onHost" -}}
hostNetwork: true
dnsPolicy: Default
enableServiceLinks: false
priorityClassName: {{ .Values.priorityClassName }}
tolerations:
  - operator: Exists
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  seccompProfile: {type: RuntimeDefault}
  {{- with .Values.seLinuxOptions }}
  seLinuxOptions: {{ toJson . }}
  {{- end }}
{{- end }}

{{- define "bgpnet.nodes" -}}
nodeSelector:
  kubernetes.io/os: linux
  {{- with .Values.nodeSelector }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
affinity:
  nodeAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms:
        - matchExpressions:
            - key: kubernetes.io/arch
              operator: In
              values: {{ toJson .Values.image.architectures }}
{{- end }}

{{/* Arguments: the capabilities that a container has, and no other. */}}
{{- define "bgpnet.rights" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
  {{- with . }}
  add: {{ toJson . }}
  {{- end }}
{{- end }}

{{/* Whether a process answers at its socket. Each look is a process of its own, so there are few. */}}
{{- define "bgpnet.alive" -}}
startupProbe:
  exec: {command: [bgpnet, alive, {{ . }}]}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 60
livenessProbe:
  exec: {command: [bgpnet, alive, {{ . }}]}
  periodSeconds: 30
  timeoutSeconds: 10
  failureThreshold: 3
{{- end }}

{{- define "bgpnet.ready" -}}
readinessProbe:
  httpGet: {host: 127.0.0.1, port: {{ .Values.healthPort }}, path: /readyz}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 3
{{- end }}

{{- define "bgpnet.chain" -}}
{{ .Values.cni.chain | join "," | default "none" }}
{{- end }}
