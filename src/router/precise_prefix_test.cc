// The precise index put together: an engine's events in, picks where they say.
#include "router/precise_prefix.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <thread>

#include "async/runtime.h"
#include "kv_events/event_encoder.h"
#include "kv_events/zmq_socket.h"
#include "router/testing/router_fixture.h"

namespace nacelle::router {
namespace {

std::string config_for(const std::string& socket) {
  return fmt::format(R"(plugins:
- type: token-producer
  parameters: {{modelPath: "{}/models/demo"}}
- type: precise-prefix-cache-producer
  parameters:
    kvEventsConfig:
      publishers: [{{endpoint: "10.0.0.2:8000", events: "ipc://{}"}}]
- type: prefix-cache-scorer
  parameters: {{prefixMatchInfoProducerName: precise-prefix-cache-producer}}
- type: max-score-picker
)",
                     NACELLE_SOURCE_DIR, socket);
}

// Polls: events travel on the subscriber's thread.
template <class F>
bool eventually(F condition) {
  for (int i = 0; i < 10000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

TEST(PrecisePrefix, NobodyAsksNobodyGetsOne) {
  const RouterSetup setup = testing::setup_of("plugins: [{type: queue-scorer}]\n");
  EXPECT_FALSE(wants_precise(setup));
  auto precise = PrecisePrefix::start(setup, {});
  ASSERT_TRUE(precise);
  EXPECT_EQ(*precise, nullptr);
}

TEST(PrecisePrefix, AddressesComeFromPublishersOrPorts) {
  const std::string path = fmt::format("/tmp/nacelle-precise-{}", ::getpid());
  auto setup = testing::setup_of(config_for(path));
  async::Runtime runtime(1);
  runtime.start();
  auto pool = std::make_shared<async::WorkPool>(1, 16);
  telemetry::Metrics metrics;
  auto started = PrecisePrefix::start(setup, {.metrics = &metrics, .work_pool = pool});
  ASSERT_TRUE(started) << started.error().message();
  const std::shared_ptr<PrecisePrefix> precise = *started;
  Router router(std::move(setup.schedule));
  EXPECT_TRUE(router.wants_prefix_source());
  router.attach(precise->source());
  EXPECT_FALSE(router.wants_prefix_source());
  const PoolSnapshot snapshot = testing::pool_of(3);
  router.publish(std::make_shared<const PoolSnapshot>(snapshot));
  precise->follow(snapshot);

  // A short body is tokenised here, a long one on the work pool.
  const std::string text(3 * PromptTokenizer::kInlineBytes, 'y');
  const std::string body = R"({"model":"demo","prompt":")" + text + R"("})";
  const auto blocks = async::run_blocking(
      runtime.loop(0), PrecisePrefix::blocks_of(precise, PromptKind::kCompletion, body, "demo"));
  ASSERT_TRUE(blocks);
  ASSERT_GT(blocks->keys.size(), 10u);
  EXPECT_EQ(blocks->num_tokens / 16, blocks->keys.size());
  EXPECT_FALSE(async::run_blocking(
      runtime.loop(0), PrecisePrefix::blocks_of(precise, PromptKind::kCompletion, "{", "demo")));

  // What 10.0.0.2 has said that it holds attracts the prompt.
  kv_events::ZmqContext zmq;
  kv_events::ZmqSocket pub = kv_events::ZmqSocket::open(zmq, ZMQ_PUB).value();
  ASSERT_TRUE(pub.bind("ipc://" + path).ok());
  auto tokenizer = PromptTokenizer::load(NACELLE_SOURCE_DIR "/models/demo", "", {});
  ASSERT_TRUE(tokenizer);
  const auto tokens = (*tokenizer)->tokenize_now(PromptKind::kCompletion, body)->prompts[0];
  const std::size_t full = tokens.size() / 16;
  std::vector<std::string> hashes;  // whatever the engine calls its blocks
  std::vector<kv_events::Digest> digests;
  for (std::size_t i = 0; i < full; ++i) hashes.push_back(kv_events::to_big_endian(1000 + i));
  for (const std::string& hash : hashes)
    digests.emplace_back(reinterpret_cast<const std::uint8_t*>(hash.data()), hash.size());
  kv_events::EventEncoder encoder(kv_events::EventForm::kMap, kv_events::HashForm::kNumber);
  RequestTerms terms;
  terms.tokens = &*blocks;
  std::vector<std::uint64_t> scratch;
  std::uint64_t sequence = 0;
  const auto picked_by_word = [&] {
    encoder.begin();
    encoder.stored(
        {.hashes = digests, .tokens = std::span(tokens).first(full * 16), .block_size = 16});
    const std::string number = kv_events::to_big_endian(sequence++), payload = encoder.finish(0, 0);
    const std::array<std::string_view, 3> parts{"kv@10.0.0.2:8000@demo", number, payload};
    pub.send(parts);
    const RoutingRequest request =
        routing_request_of(terms, router.prefix_hash_options(), sequence, scratch);
    auto placement = router.pick(request, testing::kStart);
    return placement && placement->matched_blocks() == full &&
           placement->address() == "10.0.0.2:8000";
  };
  EXPECT_TRUE(eventually(picked_by_word));

  // A scrape that failed for a moment takes nothing away; leaving the pool does.
  router.forget_prefixes(EndpointId{1});
  EXPECT_TRUE(picked_by_word());
  PoolSnapshot without = snapshot;
  without.endpoints.erase(without.endpoints.begin() + 1);
  precise->follow(without);
  EXPECT_TRUE(eventually([&] {
    const RoutingRequest request =
        routing_request_of(terms, router.prefix_hash_options(), 1, scratch);
    return router.pick(request, testing::kStart)->matched_blocks() == 0;
  }));
  const auto collected = [&] {
    telemetry::Metrics text_of;
    text_of.add_collector([&](telemetry::Snapshot& out) {
      precise->collect(out, {{"inference_pool", "p"}});
    });
    return text_of.serialize();
  };
  EXPECT_NE(collected().find(R"(llm_d_epp_kv_cache_index_lookup_hits_total{inference_pool="p"})"),
            std::string::npos);
  EXPECT_NE(metrics.serialize().find("kvcache_index_lookup_latency_seconds_count"),
            std::string::npos);
  runtime.stop();
  runtime.join();
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace nacelle::router
