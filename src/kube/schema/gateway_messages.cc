// gateway_messages.cc: Gateway API and inference kinds, until a CRD brings their full structure;
// notation in messages.h.
#include "kube/schema/messages.h"

namespace nacelle::kube::schema {

std::string_view gateway_messages() {
  return R"(
GatewayClass: apiVersion kind metadata:ObjectMeta spec:GatewayClassSpec status:any
GatewayClassSpec: controllerName parametersRef:any description
Gateway: apiVersion kind metadata:ObjectMeta spec:GatewaySpec status:any
GatewaySpec: gatewayClassName listeners:GatewayListener* addresses:any infrastructure:any
  allowedListeners:any defaultScope tls:any backendTLS:any
GatewayListener: name hostname port:i protocol tls:any allowedRoutes:any
ParentReference: group kind namespace name sectionName port:i
BackendReference: group kind namespace name port:i weight:i filters:any
HTTPRoute: apiVersion kind metadata:ObjectMeta spec:HTTPRouteSpec status:any
HTTPRouteSpec: parentRefs:ParentReference* hostnames* rules:HTTPRouteRule* useDefaultGateways
HTTPRouteRule: name matches:any filters:any backendRefs:BackendReference* timeouts:any retry:any
  sessionPersistence:any
GRPCRoute: apiVersion kind metadata:ObjectMeta spec:GRPCRouteSpec status:any
GRPCRouteSpec: parentRefs:ParentReference* hostnames* rules:GRPCRouteRule* useDefaultGateways
GRPCRouteRule: name matches:any filters:any backendRefs:BackendReference* sessionPersistence:any
ReferenceGrant: apiVersion kind metadata:ObjectMeta spec:ReferenceGrantSpec
ReferenceGrantSpec: from:any to:any
BackendTLSPolicy: apiVersion kind metadata:ObjectMeta spec:any status:any
InferencePool: apiVersion kind metadata:ObjectMeta spec:InferencePoolSpec status:any
InferencePoolSpec: selector:any targetPorts:any endpointPickerRef:any appProtocol
  targetPortNumber:i extensionRef:any
InferenceObjective: apiVersion kind metadata:ObjectMeta spec:InferenceObjectiveSpec status:any
InferenceObjectiveSpec: priority:i poolRef:any
InferenceModelRewrite: apiVersion kind metadata:ObjectMeta spec:InferenceModelRewriteSpec status:any
InferenceModelRewriteSpec: poolRef:any rules:any
)";
}

}  // namespace nacelle::kube::schema
