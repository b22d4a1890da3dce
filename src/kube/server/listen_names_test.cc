// listen_names_test.cc: an API server is reached, and believed, wherever it was told to listen.
#include "kube/server/listen_names.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kube/api_server.h"
#include "kube/client.h"
#include "net/testing/test_folder.h"

namespace nacelle::kube::server {
namespace {

TEST(ListenNames, OfOneAddressAndOfAll) {
  EXPECT_EQ(names_of_listener("10.1.2.3"), std::vector<std::string>{"10.1.2.3"});
  EXPECT_EQ(names_of_listener("api.example.com"), std::vector<std::string>{"api.example.com"});
  for (const char* any : {"", "0.0.0.0", "::"}) {
    const auto names = names_of_listener(any);
    EXPECT_NE(std::find(names.begin(), names.end(), "127.0.0.1"), names.end()) << any;
    EXPECT_EQ(std::find(names.begin(), names.end(), any), names.end()) << any;
  }
}

async::Task<void> stop(ApiServer* server) { co_await server->stop(); }

TEST(ListenNames, TheKubeconfigLeadsThereAndTheCertificateNamesIt) {
  struct Row {
    const char *host, *url;
  };
  for (const Row& row :
       {Row{"127.0.0.1", "https://127.0.0.1:"}, Row{"127.0.0.2", "https://127.0.0.2:"},
        Row{"0.0.0.0", "https://127.0.0.1:"}, Row{"::1", "https://[::1]:"}}) {
    net::testing::TestFolder folder;
    async::Runtime runtime{1};
    runtime.start();
    ApiServerOptions options;
    options.folder = folder.path();
    options.address.host = row.host;
    auto server = ApiServer::start(runtime, std::move(options));
    if (!server.ok() && std::string_view(row.host) == "::1") continue;  // a machine without IPv6
    ASSERT_TRUE(server.ok()) << row.host << ": " << server.error().message();
    EXPECT_TRUE((*server)->url().starts_with(row.url)) << (*server)->url();
    auto client = Client::create(runtime.loop(0), *load_kubeconfig((*server)->kubeconfig()));
    ASSERT_TRUE(client.ok());
    const auto made = async::run_blocking(
        runtime.loop(0), (*client)->create_object(Resource{"", "v1", "configmaps"}, "default",
                                                  {{"metadata", {{"name", "a"}}}}));
    EXPECT_TRUE(made.ok()) << row.host << ": " << made.error().message();
    client->reset();
    async::run_blocking(runtime.loop(0), stop(server->get()));
    server->reset();
    runtime.stop();
    runtime.join();
  }
}

}  // namespace
}  // namespace nacelle::kube::server
