#include "control/core/service_routes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace nacelle::control {
namespace {

using kube::Json;

Json service(const std::string& spec) {
  return {{"metadata", {{"name", "web"}, {"namespace", "ns"}}}, {"spec", Json::parse(spec)}};
}

// "address:port -> endpoint, endpoint" for each route.
std::vector<std::string> routes(const Json& of, const std::vector<Json>& slices) {
  std::vector<const Json*> pointers;
  for (const Json& slice : slices) pointers.push_back(&slice);
  std::vector<std::string> out;
  for (const ServiceRoute& route : service_routes(of, pointers)) {
    std::string text = fmt::format("{}:{} ->", route.address, route.port);
    for (const ServiceEndpoint& one : route.endpoints) {
      text += fmt::format(" {}:{}", one.address, one.port);
    }
    out.push_back(text);
  }
  return out;
}

const char* const kTwoPorts =
    R"({"clusterIP":"127.96.0.7","ports":[{"name":"http","port":80,"protocol":"TCP"},
                                          {"name":"grpc","port":9000,"protocol":"TCP"}]})";

TEST(ServiceRoutes, PortsMeetByNameAndReadyEndpointsCount) {
  const Json first =
      Json::parse(R"({"ports":[{"name":"http","port":8000},{"name":"grpc","port":9001}],
      "endpoints":[{"addresses":["127.64.0.2"],"conditions":{"ready":true}},
                   {"addresses":["127.64.0.1"],"conditions":{}},
                   {"addresses":["127.64.0.3"],"conditions":{"ready":false,"serving":true,"terminating":true}}]})");
  const Json second = Json::parse(R"({"ports":[{"name":"http","port":8080}],
      "endpoints":[{"addresses":["127.64.0.9"]},{"addresses":[]}]})");
  EXPECT_EQ(
      routes(service(kTwoPorts), {first, second}),
      (std::vector<std::string>{"127.96.0.7:80 -> 127.64.0.1:8000 127.64.0.2:8000 127.64.0.9:8080",
                                "127.96.0.7:9000 -> 127.64.0.1:9001 127.64.0.2:9001"}));
  EXPECT_EQ(routes(service(kTwoPorts), {}),
            (std::vector<std::string>{"127.96.0.7:80 ->", "127.96.0.7:9000 ->"}));
}

TEST(ServiceRoutes, WhileNoneIsReadyThoseThatEndStillServe) {
  const Json slice = Json::parse(R"({"ports":[{"name":"","port":1}],"endpoints":[
      {"addresses":["127.64.0.3"],"conditions":{"ready":false,"serving":true,"terminating":true}},
      {"addresses":["127.64.0.4"],"conditions":{"ready":false,"serving":false,"terminating":true}},
      {"addresses":["127.64.0.5"],"conditions":{"ready":false,"serving":false,"terminating":false}}]})");
  EXPECT_EQ(routes(service(R"({"clusterIP":"127.96.0.7","ports":[{"port":80}]})"), {slice}),
            (std::vector<std::string>{"127.96.0.7:80 -> 127.64.0.3:1"}));
}

TEST(ServiceRoutes, WhatHasNoAddressOrNoTcpHasNoRoute) {
  for (const char* spec : {R"({"clusterIP":"None","ports":[{"port":80}]})",
                           R"({"type":"ExternalName","externalName":"x","ports":[{"port":80}]})",
                           R"({"ports":[{"port":80}]})",
                           R"({"clusterIP":"127.96.0.7","ports":[{"port":53,"protocol":"UDP"}]})",
                           R"({"clusterIP":"127.96.0.7","ports":[{"port":70000}]})"}) {
    EXPECT_TRUE(routes(service(spec), {}).empty()) << spec;
  }
  EXPECT_EQ(
      unforwarded(service(
          R"({"clusterIP":"127.96.0.7","ports":[{"port":53,"protocol":"UDP"},{"port":80}]})")),
      std::vector<std::string>{"UDP"});
}

TEST(ServiceRoutes, NamesAreThoseOfClusterDns) {
  const Json slice = Json::parse(R"({"endpoints":[{"addresses":["127.64.0.4"],"hostname":"db-0"},
      {"addresses":["127.64.0.5"],"conditions":{"ready":false}}]})");
  const std::vector<const Json*> slices = {&slice};
  std::vector<ServiceName> names =
      service_names(service(R"({"clusterIP":"None","ports":[{"port":80}]})"), slices);
  for (const ServiceName& one : service_names(service(kTwoPorts), slices)) names.push_back(one);
  EXPECT_EQ(hosts_text("127.0.0.1\tlocalhost", "ns", names),
            "127.0.0.1\tlocalhost\n"
            "127.64.0.4\tweb.ns.svc.cluster.local web.ns.svc web.ns web\n"
            "127.64.0.4\tdb-0.web.ns.svc.cluster.local db-0.web.ns.svc db-0.web.ns db-0.web\n"
            "127.96.0.7\tweb.ns.svc.cluster.local web.ns.svc web.ns web\n");
  EXPECT_EQ(hosts_text("", "other", std::span(names).last(1)),
            "127.96.0.7\tweb.ns.svc.cluster.local web.ns.svc web.ns\n");
  EXPECT_TRUE(service_names(service(R"({"type":"ExternalName","externalName":"x"})"), {}).empty());
}

}  // namespace
}  // namespace nacelle::control
