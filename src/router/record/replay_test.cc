#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "router/record/record_text.h"
#include "router/record/record_writer.h"
#include "router/record/replay.h"
#include "router/testing/router_fixture.h"

namespace nacelle::router {
namespace {

using testing::kStart;
using testing::label;
using testing::pool_of;
using testing::request_of;
using testing::router_of;

namespace fs = std::filesystem;

// Every plugin with state, a picker with chance, headers and labels.
constexpr std::string_view kConfig = R"(
plugins:
- type: queue-scorer
- type: prefix-cache-scorer
- type: no-hit-lru-scorer
- type: active-request-scorer
- {type: session-affinity-scorer, parameters: {strategy: session_id}}
- {type: header-label-affinity-scorer, parameters: {headerName: x-tier, labelKey: tier}}
- {type: weighted-random-picker, parameters: {maxNumOfEndpoints: 2}}
- type: utilization-detector
)";

class Replay : public ::testing::Test {
 protected:
  Replay() : folder_(fs::temp_directory_path() / fmt::format("replay_{}", ::getpid())) {
    fs::create_directories(folder_);
  }
  ~Replay() override { fs::remove_all(folder_); }

  std::string path(std::string_view name = "record") const { return (folder_ / name).string(); }

  // Records `count` random decisions; returns the text of the configuration.
  void record(int count, RecordWriter::Options options) {
    RouterSetup setup = testing::setup_of(kConfig);
    auto writer = RecordWriter::create(options, setup.text, setup.schedule.headers);
    ASSERT_TRUE(writer) << writer.error().message();
    Router router(std::move(setup.schedule));
    router.record_to(writer->get());
    std::mt19937_64 random(7);
    PoolSnapshot pool = pool_of(6);
    for (std::size_t i = 0; i < 6; ++i) label(pool, i, {{"tier", i % 2 == 0 ? "gold" : "free"}});
    router.publish(std::make_shared<const PoolSnapshot>(pool));
    std::vector<Placement> held;
    for (int i = 0; i < count; ++i) {
      const TimePoint now = kStart + std::chrono::milliseconds(i * 37);
      if (i % 5 == 0) {
        EndpointMetrics& metrics = pool.endpoints[random() % 6].metrics;
        metrics.waiting_requests = static_cast<double>(random() % 100) / 7;
        metrics.kv_usage = static_cast<double>(random() % 1000) / 1000;
        metrics.updated = now;
        router.publish(std::make_shared<const PoolSnapshot>(pool));
      }
      std::vector<std::uint64_t> hashes(random() % 6);
      for (std::size_t b = 0; b < hashes.size(); ++b) hashes[b] = random() % 3 + b * 10;
      RoutingRequest request = request_of(hashes, random());
      request.model = "m\xff\"";  // any bytes
      const std::string session = "s" + std::to_string(random() % 9);
      const HeaderView headers[] = {{"X-Session-Id", session},
                                    {"x-tier", random() % 2 == 0 ? "gold" : "f\xc3\xa9"},
                                    {"authorization", "Bearer secret"}};
      request.headers = headers;
      auto placement = router.pick(request, now);
      if (placement && random() % 2 == 0) held.push_back(std::move(*placement));
      if (held.size() > 20) held.erase(held.begin());
    }
    router.record_to(nullptr);
    (*writer)->flush();
    EXPECT_EQ((*writer)->lost(), 0u);
  }

  Result<ReplayReport> replay_file(const std::string& file, ReplayOptions options = {}) {
    std::ifstream in(file);
    return replay(in, options);
  }
  static std::string text_of(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path folder_;
};

TEST_F(Replay, RepeatsEveryDecisionBitForBit) {
  record(500, {.path = path()});
  const auto report = replay_file(path());
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->decisions, 500u);
  EXPECT_EQ(report->different, 0u);
  EXPECT_EQ(text_of(path()).find("secret"), std::string::npos);
}

TEST_F(Replay, NoticesAnotherOutcome) {
  record(50, {.path = path()});
  ReplayOptions options;
  options.config_text =
      "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\nplugins: [{type: queue-scorer}]";
  options.config_file = "other.yaml";
  const auto report = replay_file(path(), options);
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->decisions, 50u);
  EXPECT_GT(report->different, 0u);
  EXPECT_FALSE(report->differences.empty());
}

TEST_F(Replay, ExplainsOneDecision) {
  record(20, {.path = path()});
  ReplayOptions options;
  options.explain = 7;
  const auto report = replay_file(path(), options);
  ASSERT_TRUE(report);
  const std::string& text = report->explanation;
  for (const char* part : {"decision 7: model 'm", "6 endpoints in the pool, 6 considered",
                           "profile default", "queue-scorer x1", "no-hit-lru-scorer x1", "total",
                           "<- picked", "<- fallback 1", "picker weighted-random-picker"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST_F(Replay, EachFileOfARotatedRecordStandsAlone) {
  record(600, {.path = path(), .max_file_bytes = 60'000, .max_files = 3});
  std::uint64_t decisions = 0;
  for (const std::string& file : {path(), path("record.1"), path("record.2")}) {
    const auto report = replay_file(file);
    ASSERT_TRUE(report) << file << ": " << report.error().message();
    EXPECT_EQ(report->different, 0u);
    decisions += report->decisions;
    EXPECT_LT(fs::file_size(file), 70'000u);
  }
  EXPECT_GT(decisions, 100u);
  EXPECT_LT(decisions, 600u);  // older ones are gone
  EXPECT_FALSE(fs::exists(path("record.3")));
}

TEST_F(Replay, ACutLastLineIsTheEnd) {
  record(10, {.path = path()});
  const std::string text = text_of(path());
  std::istringstream cut(text.substr(0, text.size() - 30));
  const auto report = replay(cut, {});
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->decisions, 9u);
}

TEST(ReplayErrors, NameTheLine) {
  const auto error = [](std::string text) {
    std::istringstream in(text);
    return replay(in, {}).error().message();
  };
  EXPECT_EQ(error("nonsense\n\n"), "line 1: not a JSON object");
  EXPECT_EQ(error("{\"k\":\"what\"}\n\n"), "line 1: unknown kind of line 'what'");
  const std::string config = config_line("") + "\n";
  EXPECT_EQ(error(config + "{\"k\":\"pick\"}\n\n"), "line 2: a value is missing or of the wrong type");
}

}  // namespace
}  // namespace nacelle::router
