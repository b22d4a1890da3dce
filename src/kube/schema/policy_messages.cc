// policy_messages.cc: roles, reviews, tokens, custom resource definitions and metrics; notation in
// messages.h.
#include "kube/schema/messages.h"

namespace nacelle::kube::schema {

std::string_view policy_messages() {
  return R"(
Eviction: apiVersion kind metadata=1:ObjectMeta deleteOptions=2:DeleteOptions
DeleteOptions: apiVersion kind gracePeriodSeconds=1:i preconditions=2:Preconditions
  orphanDependents=3:b propagationPolicy=4 dryRun=5*
  ignoreStoreReadErrorWithClusterBreakingPotential=6:b
Preconditions: uid=1 resourceVersion=2
SelfSubjectAccessReview: apiVersion kind metadata=1:ObjectMeta spec=2:SelfSubjectAccessReviewSpec
  status:SubjectAccessReviewStatus
SelfSubjectAccessReviewSpec: resourceAttributes=1:ResourceAttributes
  nonResourceAttributes=2:NonResourceAttributes
ResourceAttributes: namespace=1 verb=2 group=3 version=4 resource=5 subresource=6 name=7
  fieldSelector:any labelSelector:any
NonResourceAttributes: path=1 verb=2
SelfSubjectRulesReview: apiVersion kind metadata=1:ObjectMeta spec=2:SelfSubjectRulesReviewSpec
  status:any
SelfSubjectRulesReviewSpec: namespace=1
TokenRequest: apiVersion kind metadata=1:ObjectMeta spec=2:TokenRequestSpec
  status:TokenRequestStatus
TokenRequestSpec: audiences=1* expirationSeconds=4:i boundObjectRef=3:BoundObjectReference
BoundObjectReference: kind=1 apiVersion=2 name=3 uid=4
SelfSubjectReview: apiVersion kind metadata=1:ObjectMeta status:SelfSubjectReviewStatus
Role: apiVersion kind metadata=1:ObjectMeta rules=2:PolicyRule*
PolicyRule: verbs=1* apiGroups=2* resources=3* resourceNames=4* nonResourceURLs=5*
RoleBinding: apiVersion kind metadata=1:ObjectMeta subjects=2:Subject* roleRef=3:RoleRef
Subject: kind=1 apiGroup=2 name=3 namespace=4
RoleRef: apiGroup=1 kind=2 name=3
ClusterRole: apiVersion kind metadata=1:ObjectMeta rules=2:PolicyRule* aggregationRule:any
ClusterRoleBinding: apiVersion kind metadata=1:ObjectMeta subjects=2:Subject* roleRef=3:RoleRef
MutatingWebhookConfiguration: apiVersion kind metadata=1:ObjectMeta webhooks:any
ValidatingWebhookConfiguration: apiVersion kind metadata=1:ObjectMeta webhooks:any
CustomResourceDefinition: apiVersion kind metadata=1:ObjectMeta spec:CustomResourceDefinitionSpec
  status:CustomResourceDefinitionStatus
CustomResourceDefinitionSpec: group names:CustomResourceDefinitionNames scope
  versions:CustomResourceDefinitionVersion* conversion:any preserveUnknownFields:b
CustomResourceDefinitionNames: plural singular shortNames* kind listKind categories*
CustomResourceDefinitionVersion: name served:b storage:b deprecated:b deprecationWarning
  schema:CustomResourceValidation subresources:any
  additionalPrinterColumns:CustomResourceColumnDefinition* selectableFields:any
CustomResourceValidation: openAPIV3Schema:any
CustomResourceColumnDefinition: name type format description priority:i jsonPath
CustomResourceDefinitionStatus: conditions:Condition* acceptedNames:CustomResourceDefinitionNames
  storedVersions* observedGeneration:i
TokenReview: apiVersion kind metadata=1:ObjectMeta spec:any status:any
SubjectAccessReview: apiVersion kind metadata=1:ObjectMeta spec:any status:any
SubjectAccessReviewStatus: allowed:b denied:b reason evaluationError
TokenRequestStatus: token expirationTimestamp:Time
SelfSubjectReviewStatus: userInfo:any
NodeMetrics: apiVersion kind metadata=1:ObjectMeta timestamp=2:Time window=3 usage=4{Quantity}
PodMetrics: apiVersion kind metadata=1:ObjectMeta timestamp=2:Time window=3
  containers=4:ContainerMetrics*
ContainerMetrics: name=1 usage=2{Quantity}
)";
}

}  // namespace nacelle::kube::schema
