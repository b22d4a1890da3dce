// workload_messages.cc: workloads and what scales and protects them; notation in messages.h.
#include "kube/schema/messages.h"

namespace nacelle::kube::schema {

std::string_view workload_messages() {
  return R"(
Deployment: apiVersion kind metadata=1:ObjectMeta spec=2:DeploymentSpec status:DeploymentStatus
DeploymentSpec: replicas=1:i selector=2:LabelSelector template=3:PodTemplateSpec
  strategy=4:DeploymentStrategy minReadySeconds=5:i revisionHistoryLimit=6:i paused=7:b
  progressDeadlineSeconds=9:i
PodTemplateSpec: metadata=1:ObjectMeta spec=2:PodSpec
DeploymentStrategy: type=1 rollingUpdate=2:RollingUpdateDeployment
RollingUpdateDeployment: maxUnavailable=1:IntOrString maxSurge=2:IntOrString
ReplicaSet: apiVersion kind metadata=1:ObjectMeta spec=2:ReplicaSetSpec status:ReplicaSetStatus
ReplicaSetSpec: replicas=1:i minReadySeconds=4:i selector=2:LabelSelector
  template=3:PodTemplateSpec
StatefulSet: apiVersion kind metadata=1:ObjectMeta spec=2:StatefulSetSpec status:StatefulSetStatus
StatefulSetSpec: replicas=1:i selector=2:LabelSelector template=3:PodTemplateSpec
  volumeClaimTemplates=4:PersistentVolumeClaim* serviceName=5 podManagementPolicy=6
  updateStrategy=7:StatefulSetUpdateStrategy revisionHistoryLimit=8:i minReadySeconds=9:i
  persistentVolumeClaimRetentionPolicy=10:StatefulSetPersistentVolumeClaimRetentionPolicy
  ordinals=11:StatefulSetOrdinals
StatefulSetUpdateStrategy: type=1 rollingUpdate=2:RollingUpdateStatefulSetStrategy
RollingUpdateStatefulSetStrategy: partition=1:i maxUnavailable=2:IntOrString
StatefulSetPersistentVolumeClaimRetentionPolicy: whenDeleted=1 whenScaled=2
StatefulSetOrdinals: start=1:i
Job: apiVersion kind metadata=1:ObjectMeta spec=2:JobSpec status:JobStatus
JobSpec: parallelism=1:i completions=2:i activeDeadlineSeconds=3:i backoffLimit=7:i
  backoffLimitPerIndex=12:i maxFailedIndexes=13:i selector=4:LabelSelector manualSelector=5:b
  template=6:PodTemplateSpec ttlSecondsAfterFinished=8:i completionMode=9 suspend=10:b
  podReplacementPolicy=14 managedBy=15 podFailurePolicy:any successPolicy:any
CronJob: apiVersion kind metadata=1:ObjectMeta spec=2:CronJobSpec status:CronJobStatus
CronJobSpec: schedule=1 timeZone=8 startingDeadlineSeconds=2:i concurrencyPolicy=3 suspend=4:b
  jobTemplate=5:JobTemplateSpec successfulJobsHistoryLimit=6:i failedJobsHistoryLimit=7:i
JobTemplateSpec: metadata=1:ObjectMeta spec=2:JobSpec
autoscaling.v1.HorizontalPodAutoscaler: apiVersion kind metadata=1:ObjectMeta
  spec=2:autoscaling.v1.HorizontalPodAutoscalerSpec
  status:autoscaling.v1.HorizontalPodAutoscalerStatus
autoscaling.v1.HorizontalPodAutoscalerSpec:
  scaleTargetRef=1:autoscaling.v1.CrossVersionObjectReference minReplicas=2:i maxReplicas=3:i
  targetCPUUtilizationPercentage=4:i
autoscaling.v1.CrossVersionObjectReference: kind=1 name=2 apiVersion=3
autoscaling.v2.HorizontalPodAutoscaler: apiVersion kind metadata=1:ObjectMeta
  spec=2:autoscaling.v2.HorizontalPodAutoscalerSpec
  status:autoscaling.v2.HorizontalPodAutoscalerStatus
autoscaling.v2.HorizontalPodAutoscalerSpec:
  scaleTargetRef=1:autoscaling.v2.CrossVersionObjectReference minReplicas=2:i maxReplicas=3:i
  metrics=4:MetricSpec* behavior=5:HorizontalPodAutoscalerBehavior
autoscaling.v2.CrossVersionObjectReference: kind=1 name=2 apiVersion=3
MetricSpec: type=1 object=2:ObjectMetricSource pods=3:PodsMetricSource
  resource=4:ResourceMetricSource containerResource=7:ContainerResourceMetricSource
  external=5:ExternalMetricSource
ObjectMetricSource: describedObject=1:autoscaling.v2.CrossVersionObjectReference
  target=2:MetricTarget metric=3:MetricIdentifier
MetricTarget: type=1 value=2:Quantity averageValue=3:Quantity averageUtilization=4:i
MetricIdentifier: name=1 selector=2:LabelSelector
PodsMetricSource: metric=1:MetricIdentifier target=2:MetricTarget
ResourceMetricSource: name=1 target=2:MetricTarget
ContainerResourceMetricSource: name=1 target=2:MetricTarget container=3
ExternalMetricSource: metric=1:MetricIdentifier target=2:MetricTarget
HorizontalPodAutoscalerBehavior: scaleUp=1:HPAScalingRules scaleDown=2:HPAScalingRules
HPAScalingRules: stabilizationWindowSeconds=3:i selectPolicy=1 policies=2:HPAScalingPolicy*
  tolerance=4:Quantity
HPAScalingPolicy: type=1 value=2:i periodSeconds=3:i
Scale: apiVersion kind metadata=1:ObjectMeta spec=2:ScaleSpec status:ScaleStatus
ScaleSpec: replicas=1:i
PodDisruptionBudget: apiVersion kind metadata=1:ObjectMeta spec=2:PodDisruptionBudgetSpec
  status:PodDisruptionBudgetStatus
PodDisruptionBudgetSpec: minAvailable=1:IntOrString selector=2:LabelSelector
  maxUnavailable=3:IntOrString unhealthyPodEvictionPolicy=4
ControllerRevision: apiVersion kind metadata=1:ObjectMeta data:any revision:i
DaemonSet: apiVersion kind metadata=1:ObjectMeta spec:DaemonSetSpec status:any
DaemonSetSpec: selector:LabelSelector template:PodTemplateSpec updateStrategy:any
  minReadySeconds:i revisionHistoryLimit:i
DeploymentStatus: observedGeneration:i replicas:i updatedReplicas:i readyReplicas:i
  availableReplicas:i unavailableReplicas:i terminatingReplicas:i conditions:Condition*
  collisionCount:i
ReplicaSetStatus: replicas:i fullyLabeledReplicas:i readyReplicas:i availableReplicas:i
  terminatingReplicas:i observedGeneration:i conditions:Condition*
StatefulSetStatus: observedGeneration:i replicas:i readyReplicas:i currentReplicas:i
  updatedReplicas:i currentRevision updateRevision collisionCount:i conditions:Condition*
  availableReplicas:i
JobStatus: conditions:Condition* startTime:Time completionTime:Time active:i succeeded:i failed:i
  terminating:i completedIndexes failedIndexes uncountedTerminatedPods:any ready:i
CronJobStatus: active:ObjectReference* lastScheduleTime:Time lastSuccessfulTime:Time
autoscaling.v1.HorizontalPodAutoscalerStatus: observedGeneration:i lastScaleTime:Time
  currentReplicas:i desiredReplicas:i currentCPUUtilizationPercentage:i
autoscaling.v2.HorizontalPodAutoscalerStatus: observedGeneration:i lastScaleTime:Time
  currentReplicas:i desiredReplicas:i currentMetrics:any conditions:Condition*
ScaleStatus: replicas:i selector
PodDisruptionBudgetStatus: observedGeneration:i disruptedPods:any disruptionsAllowed:i
  currentHealthy:i desiredHealthy:i expectedPods:i conditions:Condition*
)";
}

}  // namespace nacelle::kube::schema
