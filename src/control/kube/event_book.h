// event_book.h: which Event objects tell what controllers have to say, without saying it twice.
//
// The same words about the same object count up in one Event. Many similar ones in ten minutes, of
// one reason with ever other words, become one Event "(combined from similar events)". One object
// may be talked of 25 times at once, then every five minutes.
//
// Home:    pure: time is passed in; the loop of the shell that keeps it.
// Bounds:  kMaxRemembered texts and objects; the oldest is forgotten.
// Source:  kubernetes-api.md section 20.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "control/core/decision.h"

namespace nacelle::control {

class EventBook {
 public:
  static constexpr std::size_t kMaxRemembered = 4096;

  explicit EventBook(std::string component) : component_(std::move(component)) {}

  struct Telling {
    Json object;        // the Event, whole
    bool first = true;  // false: only `count` and `lastTimestamp` of the stored one move
  };
  // `uid` is that of the object, "" when it is not known. Nothing when too much was said of it.
  [[nodiscard]] std::optional<Telling> tell(const RecordEvent& event, const std::string& uid,
                                            std::int64_t now_us);
  // The API does not have that Event any more: the next one is a first one.
  void forget(const std::string& name);

 private:
  static constexpr std::int64_t kSecond = 1'000'000;
  static constexpr std::int64_t kSimilarSpan = 600 * kSecond;
  static constexpr int kMostSimilar = 10;
  static constexpr double kBurst = 25;
  static constexpr double kRefillPerSecond = 1.0 / 300;

  using Subject = std::tuple<std::string, std::string, std::string>;        // kind, namespace, name
  using Text = std::tuple<Subject, std::string, std::string, std::string>;  // + type, reason, words

  struct Told {
    std::string name;
    std::int64_t first_us = 0, count = 0;
  };
  struct Similar {
    std::int64_t since_us = 0;
    int texts = 0;
  };
  struct Budget {
    double tokens = kBurst;
    std::int64_t at_us = 0;
  };

  [[nodiscard]] bool may_tell(const Subject& subject, std::int64_t now_us);
  void forget_oldest();

  const std::string component_;
  std::map<Text, Told> told_;
  std::deque<Text> order_;
  std::map<std::tuple<Subject, std::string, std::string>, Similar> similar_;
  std::map<Subject, Budget> budgets_;
};

}  // namespace nacelle::control
