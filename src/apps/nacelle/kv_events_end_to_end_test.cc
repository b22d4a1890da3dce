// An engine's events, and the same prompt tokenised and hashed by the router: the index must say
// that the engine holds it, to the last full block.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "control/local/free_ports.h"
#include "engine/engine.h"
#include "engine/testing/collecting_sink.h"
#include "engine/testing/fake_causal_lm.h"
#include "router/kv_events/event_subscriber.h"
#include "router/tokens/prompt_keys.h"
#include "router/tokens/prompt_tokenizer.h"

namespace nacelle::apps {
namespace {

constexpr std::uint32_t kBlockSize = 16;

class EngineAndRouter : public ::testing::Test {
 protected:
  void start(const std::string& hash_seed, const router::KeySpace& space) {
    const auto ports = control::free_loopback_ports(2);
    ASSERT_TRUE(ports.ok());
    engine::EngineConfig config;
    config.block_size = kBlockSize;
    config.num_blocks = 200;
    config.max_model_len = 1000;
    config.hash_seed = hash_seed;
    config.kv_events = {.enabled = true,
                        .endpoint = fmt::format("tcp://*:{}", (*ports)[0]),
                        .replay_endpoint = fmt::format("tcp://*:{}", (*ports)[1]),
                        .topic = "kv@here@demo"};
    auto started =
        engine::Engine::start(config, std::make_unique<engine::testing::FakeCausalLm>(
                                          engine::testing::FakeOptions{.vocab_size = 100000}));
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    engine = std::move(*started);
    auto following = router::EventSubscriber::start({}, space, index);
    ASSERT_TRUE(following.ok()) << following.error().to_string();
    subscriber = std::move(*following);
    subscriber->set_sources({{router::EndpointId{0},
                              fmt::format("tcp://127.0.0.1:{}", (*ports)[0]),
                              fmt::format("tcp://127.0.0.1:{}", (*ports)[1]),
                              {}}});
    keys = std::make_unique<router::PromptKeys>(space);
    auto loaded = router::PromptTokenizer::load(NACELLE_SOURCE_DIR "/models/demo", "", {});
    ASSERT_TRUE(loaded.ok()) << loaded.error().to_string();
    tokenizer = *loaded;
  }

  std::vector<TokenId> tokens_of(const std::string& body) {
    const auto tokens = tokenizer->tokenize_now(router::PromptKind::kChat, body);
    EXPECT_TRUE(tokens.ok()) << tokens.error().message;
    return tokens->prompts[0];
  }
  void run(const std::vector<TokenId>& prompt, const std::string& cache_salt = "") {
    engine::Request request;
    request.prompt = prompt;
    request.cache_salt = cache_salt;
    request.params.temperature = 0;
    request.params.max_tokens = 1;
    const auto sink = std::make_shared<engine::testing::CollectingSink>();
    auto place = engine->admit(1);
    ASSERT_TRUE(place.ok());
    ASSERT_TRUE(engine->submit(request, std::move(*place), sink).ok());
    sink->wait_for_end();
  }
  std::uint32_t held(const std::vector<TokenId>& prompt, const std::string& cache_salt = "") {
    std::vector<std::uint64_t> chain;
    keys->append(prompt, cache_salt, "", chain);
    std::vector<router::PreciseMatch> matches(1);
    index.match(chain, scratch, matches);
    return matches[0].blocks;
  }
  // Polls; the bound only decides how long a failing test hangs.
  bool comes_to_hold(const std::vector<TokenId>& prompt, const std::string& cache_salt = "") {
    const auto want = static_cast<std::uint32_t>(prompt.size() / kBlockSize);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (held(prompt, cache_salt) != want) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  router::SharedPreciseIndex index{router::PreciseIndex::Options{}};
  router::MatchScratch scratch;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<router::EventSubscriber> subscriber;
  std::unique_ptr<router::PromptKeys> keys;
  std::shared_ptr<router::PromptTokenizer> tokenizer;
};

const std::string kChat =
    R"({"messages":[{"role":"system","content":"You are a patient and exact assistant who answers in full sentences."},
        {"role":"user","content":"Name every planet, from the sun outwards, and say a word about each of them, please."}]})";

TEST_F(EngineAndRouter, TheEnginesOwnHashes) {
  start("42", {.block_size_tokens = kBlockSize, .seed = "42"});
  const auto prompt = tokens_of(kChat);
  ASSERT_GT(prompt.size(), 2 * kBlockSize);
  EXPECT_EQ(held(prompt), 0u);
  run(prompt);
  EXPECT_TRUE(comes_to_hold(prompt));
  run(prompt, "salt");
  EXPECT_TRUE(comes_to_hold(prompt, "salt"));
  EXPECT_EQ(held(prompt, "other salt"), 0u);
  ASSERT_TRUE(engine->reset_prefix_cache());
  const auto other = tokens_of(
      R"({"messages":[{"role":"user","content":"One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen."}]})");
  run(other);
  EXPECT_TRUE(comes_to_hold(other));
  EXPECT_EQ(held(prompt), 0u);
  EXPECT_EQ(engine->kv_event_stats().overflows, 0u);
}

// The engine's chain starts at random bytes here, which the router cannot know.
TEST_F(EngineAndRouter, RequestKeysNeedNoSeed) {
  start("", {.kind = router::KeyKind::kRequestKey,
             .block_size_tokens = kBlockSize,
             .seed = "",
             .model = "demo"});
  const auto prompt = tokens_of(kChat);
  run(prompt);
  EXPECT_TRUE(comes_to_hold(prompt));
}

}  // namespace
}  // namespace nacelle::apps
