// event_correlator.h: of many things that happen, the Event objects worth writing.
//
// A repeat of the same sentence counts the object of the first one up. More than kSimilar different
// sentences of one reason about one object within kWindow become one, whose message says so. An
// object that has more to tell than kBurst events, and then one per kRefill, is cut short.
//
// Home:    pure; a value of the recorder.
// Bounds:  kMaxKeys of each memory; the memory is forgotten when it is full, so that counts begin
//          again.
// Source:  kubernetes-api.md section 20 (client-side aggregation).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "base/clock.h"

namespace nacelle::control {

struct EventSubject {
  std::string api_version = "v1";
  std::string kind;
  std::string name_space;  // "" for objects of the cluster
  std::string name;
  std::string uid;
  std::string field_path;  // "spec.containers{main}"
};

struct EventFact {
  EventSubject subject;
  bool warning = false;
  std::string reason;
  std::string message;
};

class EventCorrelator {
 public:
  static constexpr std::size_t kSimilar = 10;
  static constexpr Duration kWindow = std::chrono::minutes(10);
  static constexpr double kBurst = 25;
  static constexpr Duration kRefill = std::chrono::seconds(300);
  static constexpr std::size_t kMaxKeys = 4096;

  struct Write {
    std::string name;        // of the Event object
    std::int64_t count = 1;  // 1: to create; more: to count up
    std::string message;
    std::string first_time;  // of the object, as it was given with its first event
  };

  // `unique` makes the name of a new object; `time` is what its firstTimestamp will be. nullopt:
  // nothing is to be written.
  [[nodiscard]] std::optional<Write> record(const EventFact& fact, TimePoint now,
                                            std::uint64_t unique, const std::string& time);

 private:
  using About = std::tuple<std::string, std::string, std::string, bool, std::string>;
  struct Similar {
    std::set<std::string> messages;
    TimePoint last{};
  };
  struct Known {
    std::string name;
    std::int64_t count = 0;
    std::string first_time;
  };
  struct Bucket {
    double tokens = kBurst;
    TimePoint filled{};
  };

  [[nodiscard]] bool has_token(const std::string& subject, TimePoint now);

  std::map<std::string, Bucket> buckets_;  // by uid
  std::map<About, Similar> similar_;
  std::map<std::pair<About, std::string>, Known> known_;
};

}  // namespace nacelle::control
