#include "control/local/node/probe_runner.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "control/local/node/container_plan.h"
#include "control/local/node/container_shim.h"
#include "net/grpc/health.h"
#include "net/grpc/server.h"
#include "net/testing/server_fixture.h"

namespace nacelle::control::node {
namespace {

namespace fs = std::filesystem;
using net::testing::ServerFixture;

// Answers by the path.
async::Task<void> serve(net::http::ServerExchange& exchange) {
  const std::string path(exchange.request().path());
  net::http::ResponseHead head;
  if (path == "/to-ok") {
    head.status = 302;
    head.headers.add("Location", "/ok");
  } else if (path == "/to-bad") {
    head.status = 301;
    head.headers.add("Location", "/bad");
  } else if (path == "/round") {
    head.status = 302;
    head.headers.add("Location", "/round");
  } else if (path == "/elsewhere") {
    head.status = 302;
    head.headers.add("Location", "http://elsewhere.invalid/");
  } else if (path == "/agent") {
    head.status = exchange.request().headers.get("user-agent").starts_with("kube-probe/") &&
                          exchange.request().headers.get("x-mine") == "yes"
                      ? 200
                      : 400;
  } else {
    head.status = path == "/ok" ? 200 : 503;
  }
  (void)co_await exchange.respond(head, "");
}

async::Task<Status> probe(async::Loop* loop, std::shared_ptr<const ProbeJob> job) {
  ProbeRunner runner(*loop);
  co_return co_await runner.run(job);
}

std::shared_ptr<ProbeJob> job(pod::Handler handler, Duration timeout = 5s) {
  auto out = std::make_shared<ProbeJob>();
  out->handler = std::move(handler);
  out->pod_ip = "127.0.0.1";
  out->timeout = timeout;
  return out;
}

std::string shown(const Status& status) { return status.ok() ? "ok" : status.message(); }

TEST(ProbeRunner, Http) {
  ServerFixture server(serve);
  const auto get = [&](const std::string& path) {
    pod::HttpGetAction action;
    action.port = std::string("web");
    action.path = path;
    action.headers = {{"X-Mine", "yes"}};
    const auto get_job = job(action);
    get_job->container.ports.push_back({"web", server.port(), "TCP"});
    return shown(server.run(probe(&server.loop(), get_job)));
  };
  EXPECT_EQ(get("/ok"), "ok");
  EXPECT_EQ(get("/agent"), "ok");
  EXPECT_EQ(get("/bad"), "HTTP probe failed with statuscode: 503");
  EXPECT_EQ(get("/to-ok"), "ok");
  EXPECT_EQ(get("/to-bad"), "HTTP probe failed with statuscode: 503");
  EXPECT_EQ(get("/elsewhere"), "ok");
  EXPECT_EQ(get("/round"), "stopped after 10 redirects");

  pod::HttpGetAction nameless;
  nameless.port = std::string("admin");
  EXPECT_EQ(shown(server.run(probe(&server.loop(), job(nameless)))),
            "container '' has no port named 'admin'");
}

TEST(ProbeRunner, TcpConnectsOrSaysWhy) {
  ServerFixture server(serve);
  EXPECT_EQ(shown(server.run(probe(&server.loop(), job(pod::TcpAction{"", server.port()})))), "ok");
  EXPECT_EQ(shown(server.run(probe(&server.loop(), job(pod::TcpAction{"", std::uint16_t{1}})))),
            "dial tcp 127.0.0.1:1: Connection refused");
}

TEST(ProbeRunner, ExecRunsWithTheContainersEnvironment) {
  ServerFixture server(serve);
  const fs::path folder = fs::path(::testing::TempDir()) / fmt::format("probe_{}", ::getpid());
  fs::create_directories(folder);
  ContainerPlan plan;
  plan.argv = {"sh"};
  plan.environment = {"PATH=/usr/bin:/bin", "COLOR=blue"};
  plan.working_dir = "/";
  ASSERT_TRUE(plan.write(folder / kPlanFile).ok());
  const auto exec = [&](const std::string& script, Duration timeout) {
    const pod::ExecAction action{{"sh", "-c", script}};
    const auto exec_job = job(action, timeout);
    exec_job->plan_folder = folder;
    return shown(server.run(probe(&server.loop(), exec_job)));
  };
  EXPECT_EQ(exec("test $COLOR = blue", 5s), "ok");
  EXPECT_EQ(exec("echo not yet; exit 2", 5s), "exit code 2: not yet\n");
  EXPECT_EQ(exec("while :; do sleep 0.01; done", 30ms).substr(0, 11), "the handler");
  fs::remove_all(folder);
}

TEST(ProbeRunner, GrpcHealth) {
  net::grpc::Server methods;
  net::grpc::HealthService health;
  health.lookup = [](std::string_view service) -> std::optional<net::grpc::Health> {
    if (service.empty()) return net::grpc::Health::kServing;
    if (service == "busy") return net::grpc::Health::kNotServing;
    return std::nullopt;
  };
  net::grpc::add_health(methods, health);
  ServerFixture server(methods.handler());
  const auto check = [&](const std::string& service) {
    const pod::GrpcAction action{server.port(), service};
    return shown(server.run(probe(&server.loop(), job(action))));
  };
  EXPECT_EQ(check(""), "ok");
  EXPECT_EQ(check("busy"), "service unhealthy (responded with \"NOT_SERVING\")");
  EXPECT_TRUE(check("nobody").starts_with("service unhealthy: "));
}

}  // namespace
}  // namespace nacelle::control::node
