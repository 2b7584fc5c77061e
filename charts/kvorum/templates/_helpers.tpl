{{/* The names that people rely on: everything is called as the release. */}}
{{- define "kvorum.cluster" -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" .Release.Name) -}}
{{- fail (printf "the release's name becomes the name of Services, so it must start with a letter and have only a-z, 0-9 and '-': not %q" .Release.Name) -}}
{{- end -}}
{{- if gt (len .Release.Name) 40 -}}
{{- fail (printf "the release's name becomes part of pod names and labels, so it may have 40 characters: %q has %d" .Release.Name (len .Release.Name)) -}}
{{- end -}}
{{- .Release.Name -}}
{{- end -}}

{{- define "kvorum.operator" -}}
{{- printf "%s-operator" (include "kvorum.cluster" .) -}}
{{- end -}}

{{- define "kvorum.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "kvorum.operator" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Names without a namespace must differ between namespaces. */}}
{{- define "kvorum.clusterRole" -}}
{{- printf "%s-%s" .Release.Namespace (include "kvorum.operator" .) -}}
{{- end -}}

{{- define "kvorum.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}

{{/* What never changes for an object's life: fit for selectors. */}}
{{- define "kvorum.selector" -}}
app.kubernetes.io/name: kvorum
app.kubernetes.io/instance: {{ include "kvorum.cluster" . }}
{{- end -}}

{{- define "kvorum.labels" -}}
{{ include "kvorum.selector" . }}
app.kubernetes.io/version: {{ default .Chart.AppVersion .Values.image.tag | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/part-of: kvorum
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}
