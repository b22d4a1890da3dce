// core_messages.cc: the core group and the small groups around it; notation in messages.h.
#include "kube/schema/messages.h"

namespace nacelle::kube::schema {

std::string_view core_messages() {
  return R"(
Namespace: apiVersion kind metadata=1:ObjectMeta spec=2:NamespaceSpec status:NamespaceStatus
NamespaceSpec: finalizers=1*
Service: apiVersion kind metadata=1:ObjectMeta spec=2:ServiceSpec status:ServiceStatus
ServiceSpec: ports=1:ServicePort* selector=2{} clusterIP=3 clusterIPs=18* type=4 externalIPs=5*
  sessionAffinity=7 loadBalancerIP=8 loadBalancerSourceRanges=9* externalName=10
  externalTrafficPolicy=11 healthCheckNodePort=12:i publishNotReadyAddresses=13:b
  sessionAffinityConfig=14:SessionAffinityConfig ipFamilies=19* ipFamilyPolicy=17
  allocateLoadBalancerNodePorts=20:b loadBalancerClass=21 internalTrafficPolicy=22
  trafficDistribution=23
ServicePort: name=1 protocol=2 appProtocol=6 port=3:i targetPort=4:IntOrString nodePort=5:i
SessionAffinityConfig: clientIP=1:ClientIPConfig
ClientIPConfig: timeoutSeconds=1:i
ConfigMap: apiVersion kind metadata=1:ObjectMeta immutable=4:b data=2{} binaryData=3{y}
Secret: apiVersion kind metadata=1:ObjectMeta immutable=5:b data=2{y} stringData=4{} type=3
ServiceAccount: apiVersion kind metadata=1:ObjectMeta secrets=2:ObjectReference*
  imagePullSecrets=3:LocalObjectReference* automountServiceAccountToken=4:b
ObjectReference: kind=1 namespace=2 name=3 uid=4 apiVersion=5 resourceVersion=6 fieldPath=7
ResourceQuota: apiVersion kind metadata=1:ObjectMeta spec=2:ResourceQuotaSpec
  status:ResourceQuotaStatus
ResourceQuotaSpec: hard=1{Quantity} scopes=2* scopeSelector:any
PersistentVolumeClaim: apiVersion kind metadata=1:ObjectMeta spec=2:PersistentVolumeClaimSpec
  status=3:PersistentVolumeClaimStatus
PersistentVolumeClaimStatus: phase=1 accessModes=2* capacity=3{Quantity}
  conditions=4:PersistentVolumeClaimCondition* allocatedResources=5{Quantity}
  allocatedResourceStatuses=7{} currentVolumeAttributesClassName=8
PersistentVolumeClaimCondition: type=1 status=2 lastProbeTime=3:Time lastTransitionTime=4:Time
  reason=5 message=6
core.v1.Event: apiVersion kind metadata=1:ObjectMeta involvedObject=2:ObjectReference reason=3
  message=4 source=5:EventSource firstTimestamp=6:Time lastTimestamp=7:Time count=8:i type=9
  eventTime=10:MicroTime series=11:core.v1.EventSeries action=12 related=13:ObjectReference
  reportingComponent=14 reportingInstance=15
EventSource: component=1 host=2
core.v1.EventSeries: count=1:i lastObservedTime=2:MicroTime
Lease: apiVersion kind metadata=1:ObjectMeta spec=2:LeaseSpec
LeaseSpec: holderIdentity=1 leaseDurationSeconds=2:i acquireTime=3:MicroTime renewTime=4:MicroTime
  leaseTransitions=5:i strategy=6 preferredHolder=7
EndpointSlice: apiVersion kind metadata=1:ObjectMeta addressType=4 endpoints=2:Endpoint*
  ports=3:EndpointPort*
Endpoint: addresses=1* conditions=2:EndpointConditions hostname=3 targetRef=4:ObjectReference
  deprecatedTopology=5{} nodeName=6 zone=7 hints=8:EndpointHints
EndpointConditions: ready=1:b serving=2:b terminating=3:b
EndpointHints: forZones=1:ForZone* forNodes=2:ForNode*
ForZone: name=1
ForNode: name=1
EndpointPort: name=1 protocol=2 port=3:i appProtocol=4
events.v1.Event: apiVersion kind metadata=1:ObjectMeta eventTime=2:MicroTime
  series=3:events.v1.EventSeries reportingController=4 reportingInstance=5 action=6 reason=7
  regarding=8:ObjectReference related=9:ObjectReference note=10 type=11
  deprecatedSource=12:EventSource deprecatedFirstTimestamp=13:Time deprecatedLastTimestamp=14:Time
  deprecatedCount=15:i
events.v1.EventSeries: count=1:i lastObservedTime=2:MicroTime
NamespaceStatus: phase conditions:Condition*
ServiceStatus: loadBalancer:LoadBalancerStatus conditions:Condition*
LoadBalancerStatus: ingress:any
ResourceQuotaStatus: hard{Quantity} used{Quantity}
Node: apiVersion kind metadata=1:ObjectMeta spec:NodeSpec status:NodeStatus
NodeSpec: podCIDR podCIDRs* providerID unschedulable:b taints:Taint* configSource:any externalID
Taint: key value effect timeAdded:Time
NodeStatus: capacity{Quantity} allocatable{Quantity} phase conditions:Condition*
  addresses:NodeAddress* daemonEndpoints:any nodeInfo:any images:any volumesInUse*
  volumesAttached:any config:any runtimeHandlers:any features:any declaredFeatures*
NodeAddress: type address
PersistentVolume: apiVersion kind metadata=1:ObjectMeta spec:PersistentVolumeSpec
  status:PersistentVolumeStatus
PersistentVolumeSpec: capacity{Quantity} accessModes* claimRef:ObjectReference
  persistentVolumeReclaimPolicy storageClassName mountOptions* volumeMode nodeAffinity:any
  volumeAttributesClassName hostPath:HostPathVolumeSource nfs:NFSVolumeSource local:any csi:any
  gcePersistentDisk:any awsElasticBlockStore:any iscsi:any cephfs:any rbd:any azureDisk:any
  azureFile:any fc:any cinder:any
PersistentVolumeStatus: phase message reason lastPhaseTransitionTime:Time
Endpoints: apiVersion kind metadata=1:ObjectMeta subsets:EndpointSubset*
EndpointSubset: addresses:EndpointAddress* notReadyAddresses:EndpointAddress* ports:EndpointPort*
EndpointAddress: ip hostname nodeName targetRef:ObjectReference
LimitRange: apiVersion kind metadata=1:ObjectMeta spec:any
Binding: apiVersion kind metadata=1:ObjectMeta target=2:ObjectReference
StorageClass: apiVersion kind metadata=1:ObjectMeta provisioner parameters{} reclaimPolicy
  mountOptions* allowVolumeExpansion:b volumeBindingMode allowedTopologies:any
PriorityClass: apiVersion kind metadata=1:ObjectMeta value:i globalDefault:b description
  preemptionPolicy
Ingress: apiVersion kind metadata=1:ObjectMeta spec:any status:any
IngressClass: apiVersion kind metadata=1:ObjectMeta spec:any
NetworkPolicy: apiVersion kind metadata=1:ObjectMeta spec:any
)";
}

}  // namespace nacelle::kube::schema
