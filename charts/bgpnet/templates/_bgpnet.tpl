{{- define "bgpnet.image" -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
{{- end }}

{{- define "bgpnet.speakerImage" -}}
{{ printf "%s:%s" .Values.image.repository (coalesce .Values.speaker.image.tag .Values.image.tag (index .Chart.Annotations "bgpnet.io/speaker-version")) | quote }}
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

{{- define "bgpnet.everywhere" -}}
tolerations:
  - operator: Exists
{{- end }}

{{/* Of a job: on a node without a network, also on one of the control plane, but on none that is away. */}}
{{- define "bgpnet.somewhere" -}}
tolerations:
  {{- range list "bgpnet.io/not-ready" "node.kubernetes.io/not-ready" "node.kubernetes.io/network-unavailable" "node.kubernetes.io/unschedulable" "node-role.kubernetes.io/control-plane" }}
  - {key: {{ . }}, operator: Exists}
  {{- end }}
  - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 0}
  {{- with .Values.jobs.tolerations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "bgpnet.nodes" -}}
nodeSelector: {{- merge (dict "kubernetes.io/os" "linux") (.Values.nodeSelector | default dict) | toYaml | nindent 2 }}
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
  periodSeconds: 60
  timeoutSeconds: 10
  failureThreshold: 2
{{- end }}

{{/* The node's, not the process's: an upgrade waits for it. A drained one is as it should be. */}}
{{- define "bgpnet.ready" -}}
readinessProbe:
  httpGet: {host: 127.0.0.1, port: {{ .Values.healthPort }}, path: /settled}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 3
{{- end }}

{{- define "bgpnet.chain" -}}
{{ .Values.cni.chain | join "," | default "none" }}
{{- end }}

{{- define "bgpnet.apiServer" -}}
{{- with .Values.apiServer.host }}
- name: KUBERNETES_SERVICE_HOST
  value: {{ . | quote }}
- name: KUBERNETES_SERVICE_PORT
  value: {{ $.Values.apiServer.port | quote }}
{{- end }}
{{- end }}

{{/* Arguments: the release, when, in which order. What a hook made goes when all of its phase succeeded. */}}
{{- define "bgpnet.hook" -}}
helm.sh/hook: {{ index . 0 }}
helm.sh/hook-weight: {{ index . 1 | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* Arguments: the values, the container that `kubectl logs` and `exec` take. */}}
{{- define "bgpnet.annotations" -}}
{{- merge (dict "kubectl.kubernetes.io/default-container" (index . 1)) ((index . 0).Values.podAnnotations | default dict) | toYaml }}
{{- end }}

{{/* Arguments: the values, the name, when, in which order, seconds, the arguments of `bgpnet`; init containers where it has some. */}}
{{- define "bgpnet.job" -}}
{{- $top := index . 0 }}
apiVersion: batch/v1
kind: Job
metadata:
  name: bgpnet-{{ index . 1 }}
  namespace: {{ $top.Release.Namespace }}
  labels: {{- include "bgpnet.labels" (index . 1) | nindent 4 }}
  annotations:
    {{- include "bgpnet.hook" (list (index . 2) (index . 3)) | nindent 4 }}
    # Helm 3.18 and newer prints what it says: else nobody would hear which nodes are away.
    helm.sh/hook-output-log-policy: hook-succeeded,hook-failed
spec:
  backoffLimit: 2
  activeDeadlineSeconds: {{ add (index . 4) 15 }}
  # Helm takes away what succeeded, and nobody what did not: it can be looked at for an hour.
  ttlSecondsAfterFinished: 3600
  template:
    metadata:
      labels: {{- include "bgpnet.labels" (index . 1) | nindent 8 }}
    spec:
      {{- include "bgpnet.onHost" $top | nindent 6 }}
      {{- include "bgpnet.somewhere" $top | nindent 6 }}
      {{- include "bgpnet.nodes" $top | nindent 6 }}
      serviceAccountName: bgpnet-hooks
      restartPolicy: Never
      {{- if gt (len .) 6 }}
      initContainers: {{- index . 6 | nindent 8 }}
      {{- end }}
      containers:
        - name: bgpnet
          image: {{ include "bgpnet.image" $top }}
          imagePullPolicy: {{ $top.Values.image.pullPolicy }}
          args: {{ toJson (index . 5) }}
          {{- with include "bgpnet.apiServer" $top }}
          env: {{- . | nindent 12 }}
          {{- end }}
          terminationMessagePolicy: FallbackToLogsOnError
          securityContext: {{- include "bgpnet.rights" (list) | nindent 12 }}
          resources:
            requests: {cpu: 10m, memory: 64Mi}
            limits: {memory: 256Mi}
{{- end }}

{{/* Arguments: the values, the name, when, in which order; the init container that does it stands in a template of that name. */}}
{{- define "bgpnet.onEachNode" -}}
{{- $top := index . 0 }}
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: bgpnet-{{ index . 1 }}
  namespace: {{ $top.Release.Namespace }}
  labels: {{- include "bgpnet.labels" (index . 1) | nindent 4 }}
  annotations: {{- include "bgpnet.hook" (list (index . 2) (index . 3)) | nindent 4 }}
spec:
  selector:
    matchLabels: {{- include "bgpnet.labels" (index . 1) | nindent 6 }}
  template:
    metadata:
      labels: {{- include "bgpnet.labels" (index . 1) | nindent 8 }}
    spec:
      {{- include "bgpnet.onHost" $top | nindent 6 }}
      {{- include "bgpnet.everywhere" $top | nindent 6 }}
      {{- include "bgpnet.nodes" $top | nindent 6 }}
      serviceAccountName: bgpnet-hooks
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 1
      initContainers:
        - name: {{ index . 1 }}
          image: {{ include "bgpnet.image" $top }}
          imagePullPolicy: {{ $top.Values.image.pullPolicy }}
          {{- include (printf "bgpnet.%s" (index . 1)) $top | nindent 10 }}
          terminationMessagePolicy: FallbackToLogsOnError
          resources: {{- toYaml $top.Values.cniServer.resources | nindent 12 }}
      containers:
        # The pod is ready once the one above is done.
        - name: done
          image: {{ include "bgpnet.image" $top }}
          imagePullPolicy: {{ $top.Values.image.pullPolicy }}
          command: [sleep, infinity]
          securityContext: {{- include "bgpnet.rights" (list) | nindent 12 }}
          resources:
            requests: {cpu: 1m, memory: 4Mi}
            limits: {memory: 32Mi}
      volumes:
        - name: run
          hostPath: {path: /run, type: Directory}
        - name: lib
          hostPath: {path: /var/lib, type: Directory}
        - name: bin
          hostPath: {path: {{ $top.Values.cni.binDir }}, type: DirectoryOrCreate}
        - name: conf
          hostPath: {path: {{ $top.Values.cni.confDir }}, type: DirectoryOrCreate}
{{- end }}
