#include "control/kube/address_prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "control/kube/testing/cluster.h"
#include "kube/yaml.h"
#include "net/testing/server_fixture.h"

namespace nacelle::control {
namespace {

using kube::text_at;
using testing::Cluster;
using ::testing::HasSubstr;

constexpr const char* kApi = "serving.kserve.io/v1alpha2";
constexpr const char* kKind = "LLMInferenceService";

Json service() {
  return *kube::json_of_yaml(R"(
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: chat, namespace: team}
spec:
  model: {uri: "hf://a/b", name: b}
  router: {route: {}, gateway: {}, scheduler: {}}
)");
}

// What a gateway would say, from the test's thread.
struct Gateway {
  std::atomic<bool> answers{false};
  std::atomic<int> asked{0};

  static async::Task<Status> say(Gateway* self) {
    ++self->asked;
    if (self->answers) co_return Status();
    co_return unavailable("GET http://203.0.113.7/team/chat/v1/models: 503");
  }
  AddressProber::Ask ask() {
    return [this](AddressAsk) { return say(this); };
  }
};

TEST(AddressProber, AServiceIsReadyWhenItsAddressHasAnsweredAndNobodyAsksAgain) {
  Gateway gateway;
  Cluster cluster({.ask = gateway.ask()});
  ASSERT_EQ(cluster.apply(service()).status, 201);
  const auto router = [&] {
    return Cluster::condition(cluster.get(kApi, kKind, "chat"), "RouterReady");
  };
  EXPECT_TRUE(
      cluster.eventually([&] { return router().find("/v1/models: 503") != router().npos; }));
  EXPECT_THAT(router(), HasSubstr("False: AddressNotAnswered"));
  EXPECT_EQ(text_at(cluster.get(kApi, kKind, "chat"), {"status", "url"}), "");
  EXPECT_TRUE(cluster.eventually([&] { return gateway.asked > 3; })) << "it is asked again";

  gateway.answers = true;
  EXPECT_EQ(cluster.when_true(kApi, kKind, "chat", "Ready"), "True");
  EXPECT_EQ(text_at(cluster.get(kApi, kKind, "chat"), {"status", "url"}),
            "http://203.0.113.7/team/chat");
  const int asked = gateway.asked;
  gateway.answers = false;
  EXPECT_TRUE(cluster.settle());
  EXPECT_EQ(gateway.asked, asked) << "controllers that start see what has answered";
  EXPECT_THAT(router(), HasSubstr("True"));
}

AddressAsk ask_at(std::uint16_t port, const char* path) {
  return {.url = "http://chat.example/x",
          .host = "127.0.0.1",
          .port = port,
          .authority = "chat.example",
          .path = path};
}

async::Task<void> answer(net::http::ServerExchange& exchange) {
  net::http::ResponseHead head;
  const std::string target(exchange.request().target);
  head.status = target == "/down" ? 503 : target == "/other" ? 404 : target == "/key" ? 401 : 200;
  if (exchange.request().headers.get("host") != "chat.example") head.status = 500;
  (void)co_await exchange.respond(head, "{}");
}

TEST(AddressProber, WhatCountsAsAnAnswer) {
  net::testing::ServerFixture server(answer);
  async::Loop& loop = server.loop();
  const AddressProber::Ask ask = http_ask(loop);
  const auto heard = [&](AddressAsk what) {
    return async::run_blocking(loop, ask(std::move(what))).message();
  };
  const std::uint16_t port = server.port();
  EXPECT_EQ(heard(ask_at(port, "/team/chat/v1/models")), "");
  EXPECT_EQ(heard(ask_at(port, "/key")), "") << "who wants a key is there";
  EXPECT_EQ(heard(ask_at(port, "/down")), "GET http://chat.example/down: 503");
  EXPECT_EQ(heard(ask_at(port, "/other")), "GET http://chat.example/other: 404");
  AddressAsk any = ask_at(port, "/down");
  any.any_answer = true;
  EXPECT_EQ(heard(any), "");
  EXPECT_THAT(heard(ask_at(1, "/team/chat/v1/models")),
              HasSubstr("GET http://chat.example/team/chat/v1/models: "));
}

}  // namespace
}  // namespace nacelle::control
