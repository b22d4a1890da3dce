// api_disk_test.cc: what callers are told while the disk is slow, or fails.
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "kube/api_server.h"
#include "kube/client.h"
#include "kube/local_transport.h"
#include "kube/testing/slow_disk.h"
#include "net/testing/test_folder.h"

namespace nacelle::kube {
namespace {

const Resource kMaps{"", "v1", "configmaps"};

Json config_map(const std::string& name) { return {{"metadata", {{"name", name}}}}; }

// A server with a caller of its own process and one that comes over a socket.
class ApiDisk : public ::testing::Test {
 protected:
  ApiDisk() {
    runtime_.start();
    ApiServerOptions options;
    options.folder = folder_.path();
    options.tls = false;
    options.store.before_sync = disk_.before_sync();
    server_ = std::move(*ApiServer::start(runtime_, std::move(options)));
    transport_ = std::make_shared<LocalTransport>(runtime_.loop(0), server_->handler());
    inside_ = std::make_unique<Client>(transport_);
    outside_ =
        std::move(*Client::create(runtime_.loop(1), *load_kubeconfig(server_->kubeconfig())));
  }
  ~ApiDisk() override {
    disk_.let_go();
    async::run_blocking(runtime_.loop(0), stop(this));
  }

  static async::Task<void> stop(ApiDisk* self) {
    co_await self->transport_->stop();
    co_await self->server_->stop();
  }

  // The HTTP status; 0 when the server was not reached.
  static int create(Client& client, const std::string& name) {
    const auto made = async::run_blocking(client.loop(),
                                          client.create_object(kMaps, "default", config_map(name)));
    return made.ok() ? made->status : 0;
  }
  std::future<int> create_outside(const std::string& name) {
    return std::async(std::launch::async, [this, name] {
      const int status = create(*outside_, name);
      EXPECT_FALSE(disk_.held()) << "told before it was on the disk";
      return status;
    });
  }
  void wait_until_readable(const std::string& name) {
    const ObjectKey key{"default", name};
    while (server_->store().get("configmaps", key) == nullptr) std::this_thread::yield();
  }

  net::testing::TestFolder folder_;
  testing::SlowDisk disk_;
  async::Runtime runtime_{2};
  std::unique_ptr<ApiServer> server_;
  std::shared_ptr<LocalTransport> transport_;
  std::unique_ptr<Client> inside_, outside_;
};

TEST_F(ApiDisk, ThisProcessGoesOnAndOthersWait) {
  disk_.hold();
  EXPECT_EQ(create(*inside_, "a"), 201);
  auto answer = create_outside("b");
  wait_until_readable("b");
  EXPECT_EQ(create(*inside_, "c"), 201);
  disk_.let_go();
  EXPECT_EQ(answer.get(), 201);
}

async::Task<std::string> first_of(Client* client, std::string target) {
  Watch watch(*client);
  const auto opened = co_await watch.open(std::move(target));
  if (!opened.ok() || opened->has_value()) co_return "refused";
  std::vector<WatchEvent> events;
  const Status read = co_await watch.read(events);
  if (!read.ok() || events.empty()) co_return "nothing";
  co_return std::string(text_at(events.front().object, {"metadata", "name"}));
}

TEST_F(ApiDisk, AWatcherOutsideSeesWhatIsOnTheDisk) {
  const std::string from = std::to_string(server_->store().revision());
  disk_.hold();
  EXPECT_EQ(create(*inside_, "a"), 201);
  auto seen = std::async(std::launch::async, [&] {
    std::string name = async::run_blocking(
        outside_->loop(), first_of(outside_.get(),
                                   "/api/v1/namespaces/default/configmaps?watch=true&fieldSelector="
                                   "metadata.name%3Da&resourceVersion=" +
                                       from));
    EXPECT_FALSE(disk_.held()) << "told before it was on the disk";
    return name;
  });
  EXPECT_EQ(async::run_blocking(inside_->loop(),
                                first_of(inside_.get(),
                                         "/api/v1/namespaces/default/configmaps?watch=true"
                                         "&fieldSelector=metadata.name%3Da&resourceVersion=" +
                                             from)),
            "a");
  disk_.let_go();
  EXPECT_EQ(seen.get(), "a");
}

TEST_F(ApiDisk, OneThatFailsIsTold) {
  disk_.let_go(unavailable("no more writes"));
  EXPECT_EQ(create(*outside_, "a"), 503);
  EXPECT_EQ(create(*outside_, "b"), 503);
  EXPECT_EQ(server_->store().get("configmaps", {"default", "b"}), nullptr);
}

}  // namespace
}  // namespace nacelle::kube
