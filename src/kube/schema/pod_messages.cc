// pod_messages.cc: pods and the metadata of every object; notation in messages.h.
#include "kube/schema/messages.h"

namespace nacelle::kube::schema {

std::string_view pod_messages() {
  return R"(
ObjectMeta: name=1 generateName=2 namespace=3 selfLink=4 uid=5 resourceVersion=6 generation=7:i
  creationTimestamp=8:Time deletionTimestamp=9:Time deletionGracePeriodSeconds=10:i labels=11{}
  annotations=12{} ownerReferences=13:OwnerReference* finalizers=14*
  managedFields=17:ManagedFieldsEntry* clusterName
OwnerReference: apiVersion=5 kind=1 name=3 uid=4 controller=6:b blockOwnerDeletion=7:b
ManagedFieldsEntry: manager=1 operation=2 apiVersion=3 time=4:Time fieldsType=6
  fieldsV1=7:FieldsV1 subresource=8
FieldsV1: Raw=1:y
Pod: apiVersion kind metadata=1:ObjectMeta spec=2:PodSpec status:PodStatus
PodSpec: volumes=1:Volume* initContainers=20:Container* containers=2:Container* restartPolicy=3
  terminationGracePeriodSeconds=4:i activeDeadlineSeconds=5:i dnsPolicy=6 nodeSelector=7{}
  serviceAccountName=8 serviceAccount=9 automountServiceAccountToken=21:b nodeName=10
  hostNetwork=11:b hostPID=12:b hostIPC=13:b shareProcessNamespace=27:b
  securityContext=14:PodSecurityContext imagePullSecrets=15:LocalObjectReference* hostname=16
  subdomain=17 schedulerName=19 tolerations=22:Toleration* hostAliases=23:HostAlias*
  priorityClassName=24 priority=25:i dnsConfig=26:PodDNSConfig readinessGates=28:PodReadinessGate*
  runtimeClassName=29 enableServiceLinks=30:b preemptionPolicy=31 overhead=32{Quantity}
  topologySpreadConstraints=33:TopologySpreadConstraint* setHostnameAsFQDN=35:b os=36:PodOS
  hostUsers=37:b schedulingGates=38:PodSchedulingGate* resources=40:ResourceRequirements
  hostnameOverride=41 affinity:any ephemeralContainers:any resourceClaims:any
Volume: name=1 ^volumeSource=2:VolumeSource
VolumeSource: hostPath=1:HostPathVolumeSource emptyDir=2:EmptyDirVolumeSource
  secret=6:SecretVolumeSource nfs=7:NFSVolumeSource
  persistentVolumeClaim=10:PersistentVolumeClaimVolumeSource
  downwardAPI=16:DownwardAPIVolumeSource configMap=19:ConfigMapVolumeSource
  projected=26:ProjectedVolumeSource csi=28:CSIVolumeSource ephemeral=29:EphemeralVolumeSource
  image=30:ImageVolumeSource gcePersistentDisk:any awsElasticBlockStore:any gitRepo:any iscsi:any
  glusterfs:any rbd:any flexVolume:any cinder:any cephfs:any flocker:any fc:any azureFile:any
  azureDisk:any vsphereVolume:any quobyte:any portworxVolume:any photonPersistentDisk:any
  scaleIO:any storageos:any
HostPathVolumeSource: path=1 type=2
EmptyDirVolumeSource: medium=1 sizeLimit=2:Quantity
SecretVolumeSource: secretName=1 items=2:KeyToPath* defaultMode=3:i optional=4:b
KeyToPath: key=1 path=2 mode=3:i
NFSVolumeSource: server=1 path=2 readOnly=3:b
PersistentVolumeClaimVolumeSource: claimName=1 readOnly=2:b
DownwardAPIVolumeSource: items=1:DownwardAPIVolumeFile* defaultMode=2:i
DownwardAPIVolumeFile: path=1 fieldRef=2:ObjectFieldSelector
  resourceFieldRef=3:ResourceFieldSelector mode=4:i
ObjectFieldSelector: apiVersion=1 fieldPath=2
ResourceFieldSelector: containerName=1 resource=2 divisor=3:Quantity
ConfigMapVolumeSource: ^localObjectReference=1:LocalObjectReference items=2:KeyToPath*
  defaultMode=3:i optional=4:b
LocalObjectReference: name=1
ProjectedVolumeSource: sources=1:VolumeProjection* defaultMode=2:i
VolumeProjection: secret=1:SecretProjection downwardAPI=2:DownwardAPIProjection
  configMap=3:ConfigMapProjection serviceAccountToken=4:ServiceAccountTokenProjection
  clusterTrustBundle:any podCertificate:any
SecretProjection: ^localObjectReference=1:LocalObjectReference items=2:KeyToPath* optional=4:b
DownwardAPIProjection: items=1:DownwardAPIVolumeFile*
ConfigMapProjection: ^localObjectReference=1:LocalObjectReference items=2:KeyToPath* optional=4:b
ServiceAccountTokenProjection: audience=1 expirationSeconds=2:i path=3
CSIVolumeSource: driver=1 readOnly=2:b fsType=3 volumeAttributes=4{}
  nodePublishSecretRef=5:LocalObjectReference
EphemeralVolumeSource: volumeClaimTemplate=1:PersistentVolumeClaimTemplate
PersistentVolumeClaimTemplate: metadata=1:ObjectMeta spec=2:PersistentVolumeClaimSpec
PersistentVolumeClaimSpec: accessModes=1* selector=4:LabelSelector
  resources=2:VolumeResourceRequirements volumeName=3 storageClassName=5 volumeMode=6
  dataSource=7:TypedLocalObjectReference volumeAttributesClassName=9 dataSourceRef:any
LabelSelector: matchLabels=1{} matchExpressions=2:LabelSelectorRequirement*
LabelSelectorRequirement: key=1 operator=2 values=3*
VolumeResourceRequirements: limits=1{Quantity} requests=2{Quantity}
TypedLocalObjectReference: apiGroup=1 kind=2 name=3
ImageVolumeSource: reference=1 pullPolicy=2
Container: name=1 image=2 command=3* args=4* workingDir=5 ports=6:ContainerPort*
  envFrom=19:EnvFromSource* env=7:EnvVar* resources=8:ResourceRequirements restartPolicy=24
  volumeMounts=9:VolumeMount* volumeDevices=21:VolumeDevice* livenessProbe=10:Probe
  readinessProbe=11:Probe startupProbe=22:Probe lifecycle=12:Lifecycle terminationMessagePath=13
  terminationMessagePolicy=20 imagePullPolicy=14 securityContext=15:SecurityContext stdin=16:b
  stdinOnce=17:b tty=18:b resizePolicy:any restartPolicyRules:any
ContainerPort: name=1 hostPort=2:i containerPort=3:i protocol=4 hostIP=5
EnvFromSource: prefix=1 configMapRef=2:ConfigMapEnvSource secretRef=3:SecretEnvSource
ConfigMapEnvSource: ^localObjectReference=1:LocalObjectReference optional=2:b
SecretEnvSource: ^localObjectReference=1:LocalObjectReference optional=2:b
EnvVar: name=1 value=2 valueFrom=3:EnvVarSource
EnvVarSource: fieldRef=1:ObjectFieldSelector resourceFieldRef=2:ResourceFieldSelector
  configMapKeyRef=3:ConfigMapKeySelector secretKeyRef=4:SecretKeySelector fileKeyRef:any
ConfigMapKeySelector: ^localObjectReference=1:LocalObjectReference key=2 optional=3:b
SecretKeySelector: ^localObjectReference=1:LocalObjectReference key=2 optional=3:b
ResourceRequirements: limits=1{Quantity} requests=2{Quantity} claims=3:ResourceClaim*
ResourceClaim: name=1 request=2
VolumeMount: name=1 readOnly=2:b recursiveReadOnly=7 mountPath=3 subPath=4 mountPropagation=5
  subPathExpr=6
VolumeDevice: name=1 devicePath=2
Probe: ^handler=1:ProbeHandler initialDelaySeconds=2:i timeoutSeconds=3:i periodSeconds=4:i
  successThreshold=5:i failureThreshold=6:i terminationGracePeriodSeconds=7:i
ProbeHandler: exec=1:ExecAction httpGet=2:HTTPGetAction tcpSocket=3:TCPSocketAction
  grpc=4:GRPCAction
ExecAction: command=1*
HTTPGetAction: path=1 port=2:IntOrString host=3 scheme=4 httpHeaders=5:HTTPHeader*
HTTPHeader: name=1 value=2
TCPSocketAction: port=1:IntOrString host=2
GRPCAction: port=1:i service=2
Lifecycle: postStart=1:LifecycleHandler preStop=2:LifecycleHandler stopSignal=3
LifecycleHandler: exec=1:ExecAction httpGet=2:HTTPGetAction tcpSocket=3:TCPSocketAction
  sleep=4:SleepAction
SleepAction: seconds=1:i
SecurityContext: capabilities=1:Capabilities privileged=2:b seLinuxOptions=3:SELinuxOptions
  runAsUser=4:i runAsGroup=8:i runAsNonRoot=5:b readOnlyRootFilesystem=6:b
  allowPrivilegeEscalation=7:b procMount=9 seccompProfile=11:SeccompProfile windowsOptions:any
  appArmorProfile:any
Capabilities: add=1* drop=2*
SELinuxOptions: user=1 role=2 type=3 level=4
SeccompProfile: type=1 localhostProfile=2
PodSecurityContext: seLinuxOptions=1:SELinuxOptions runAsUser=2:i runAsGroup=6:i runAsNonRoot=3:b
  supplementalGroups=4:i* supplementalGroupsPolicy=12 fsGroup=5:i sysctls=7:Sysctl*
  fsGroupChangePolicy=9 seccompProfile=10:SeccompProfile seLinuxChangePolicy=13 windowsOptions:any
  appArmorProfile:any
Sysctl: name=1 value=2
Toleration: key=1 operator=2 value=3 effect=4 tolerationSeconds=5:i
HostAlias: ip=1 hostnames=2*
PodDNSConfig: nameservers=1* searches=2* options=3:PodDNSConfigOption*
PodDNSConfigOption: name=1 value=2
PodReadinessGate: conditionType=1
TopologySpreadConstraint: maxSkew=1:i topologyKey=2 whenUnsatisfiable=3
  labelSelector=4:LabelSelector minDomains=5:i nodeAffinityPolicy=6 nodeTaintsPolicy=7
  matchLabelKeys=8*
PodOS: name=1
PodSchedulingGate: name=1
Condition: type status observedGeneration:i lastTransitionTime:Time lastUpdateTime:Time
  lastProbeTime:Time lastHeartbeatTime:Time reason message
PodStatus: observedGeneration:i phase conditions:Condition* message reason nominatedNodeName
  hostIP hostIPs:any podIP podIPs:any startTime:Time initContainerStatuses:ContainerStatus*
  containerStatuses:ContainerStatus* qosClass ephemeralContainerStatuses:any resize
  resourceClaimStatuses:any
ContainerStatus: name state:ContainerState lastState:ContainerState ready:b restartCount:i image
  imageID containerID started:b allocatedResources{Quantity} resources:any volumeMounts:any
  user:any allocatedResourcesStatus:any stopSignal
ContainerState: waiting:ContainerStateWaiting running:ContainerStateRunning
  terminated:ContainerStateTerminated
ContainerStateWaiting: reason message
ContainerStateRunning: startedAt:Time
ContainerStateTerminated: exitCode:i signal:i reason message startedAt:Time finishedAt:Time
  containerID
)";
}

}  // namespace nacelle::kube::schema
