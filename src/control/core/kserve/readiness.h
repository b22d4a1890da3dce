// readiness.h: the conditions of a service from what is seen of its objects.
//
// Home:    pure.
// Source:  kserve.md sections A13 and A17.
#pragma once

#include "control/core/kserve/decide.h"
#include "kube/conditions.h"

namespace nacelle::control::kserve {

// One of the observed children; null when absent.
[[nodiscard]] const Json* child_of(const Observed& observed, std::string_view kind,
                                   std::string_view name);

// What a status says that is about an older form of its object: nothing, or what it said of that
// one, where a canary changes Deployment and route and each form of them serves.
enum class Unseen { kNotReady, kAsBefore };

// MainWorkloadReady and its siblings, then WorkloadsReady.
void workload_conditions(const Owner& owner, const Observed& observed, kube::Conditions& conditions,
                         Unseen unseen = Unseen::kNotReady);

// GatewaysReady, HTTPRoutesReady, InferencePoolReady, SchedulerWorkloadReady, TokenizerReady, then
// RouterReady.
void router_conditions(const Owner& owner, const Observed& observed, kube::Conditions& conditions,
                       Unseen unseen = Unseen::kNotReady);

// Every reference to a gateway or route that is not there, joined by "; ".
[[nodiscard]] std::string missing_references(const Owner& owner, const Observed& observed);

// Gateways that the service's routes, or its spec, name.
[[nodiscard]] std::vector<const Json*> gateways_of(const Owner& owner, const Observed& observed);
// Its own route, or those it refers to.
[[nodiscard]] std::vector<const Json*> routes_of(const Owner& owner, const Observed& observed);

// Ready, from PresetsCombined, WorkloadsReady and RouterReady.
void overall_condition(kube::Conditions& conditions);

}  // namespace nacelle::control::kserve
