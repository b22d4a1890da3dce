// plugin_fixture.h: one plugin, made from its parameters as a configuration would, over a few
// endpoints written as rows.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "router/plugin_registry.h"

namespace nacelle::router::testing {

inline const TimePoint kNow{std::chrono::seconds(100)};

// An endpoint: what most tests vary, by name.
struct Row {
  double waiting = 0;
  double running = 0;
  double kv = 0;
  std::uint64_t requests = 0;  // in flight, of ours
  std::uint64_t tokens = 0;
  std::uint32_t matched = 0;  // of 10 blocks of 64 tokens
  Labels labels;
  bool stale = false;
};

class PluginFixture {
 public:
  explicit PluginFixture(const std::vector<Row>& rows);

  // CHECKs that the parameters are accepted. `type` may be Alpha.
  PluginFixture& with(std::string_view type, std::string_view parameters = "",
                      std::vector<std::string> profiles = {"default"});
  // What making it says instead.
  static std::string error(std::string_view type, std::string_view parameters,
                           bool allow_experimental = true);

  [[nodiscard]] std::vector<double> score();
  [[nodiscard]] std::vector<std::uint32_t> filter();  // positions kept
  [[nodiscard]] std::vector<std::uint32_t> pick(const std::vector<double>& totals);
  [[nodiscard]] bool wanted(std::uint32_t decode);
  [[nodiscard]] Status admit();
  // The decision so far, for plugins that look at other profiles.
  Decision decision;
  DecisionInput input;
  PoolSnapshot pool;  // change it, then call publish()
  void publish();

  template <class T>
  [[nodiscard]] T& as() {
    return dynamic_cast<T&>(*plugin_);
  }
  // A column by its name.
  [[nodiscard]] Column& column(std::string_view name);
  // Runs `use` with a context over the current input.
  template <class Use>
  auto in_context(Use use) {
    prepare();
    RandomStream random(input.request.random);
    const PickContext context(input, fresh_, decision, random);
    return use(context);
  }

 private:
  void prepare();

  std::vector<Row> rows_;
  Plugin* plugin_ = nullptr;
  std::vector<std::shared_ptr<Plugin>> plugins_;
  std::vector<std::string> columns_;
  std::vector<std::uint8_t> fresh_;
};

// The position of each name in `names`, to say expectations short: positions.
using Kept = std::vector<std::uint32_t>;

}  // namespace nacelle::router::testing
