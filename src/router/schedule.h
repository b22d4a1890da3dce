// schedule.h: plugins put together: what a configuration or a policy name becomes.
//
// Home:    owned by a Router, or by a replay. Its plugins' pure parts may be used by one thread at
// a
//          time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "router/plugin.h"

namespace nacelle::router {

// How much load a pick reserves (router.md section 9.4, in-flight accounting).
struct ReservationOptions {
  bool add_estimated_output = false;
  double output_ratio = 1.5;                       // answer tokens per prompt token
  std::uint64_t max_estimated_output = 0;          // 0: no cap
  PrefixSourceId prefix_source = kNoPrefixSource;  // whose matches count as computed
};

struct FilterStep {
  const Filter* filter = nullptr;
  std::string name;
};

struct ScorerStep {
  const Scorer* scorer = nullptr;
  double weight = 1;
  std::string name;
};

struct Profile {
  std::string name;
  std::vector<FilterStep> filters;
  std::vector<ScorerStep> scorers;
  const Picker* picker = nullptr;
  std::string picker_name;
};

struct Schedule {
  std::vector<std::shared_ptr<Plugin>> plugins;  // own what the lists below point at
  std::vector<Profile> profiles;
  const ProfileHandler* handler = nullptr;
  std::vector<const Screener*> screeners;
  std::vector<const Admitter*> admitters;
  std::vector<const Finisher*> finishers;
  std::vector<Producer*> producers;
  std::vector<std::string> prefix_sources;  // names, by PrefixSourceId
  std::vector<std::string> columns;         // names, by ColumnId
  std::vector<std::string> headers;         // that the pure plugins read; lower case
  ReservationOptions reservation;

  // The first plugin of this class, or null.
  template <class T>
  [[nodiscard]] T* find() const {
    for (const auto& plugin : plugins) {
      if (auto* found = dynamic_cast<T*>(plugin.get())) return found;
    }
    return nullptr;
  }
};

}  // namespace nacelle::router
