#include "control/kube/event_book.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "kube/time.h"

namespace nacelle::control {

bool EventBook::may_tell(const Subject& subject, std::int64_t now_us) {
  if (budgets_.size() > kMaxRemembered) budgets_.clear();
  Budget& budget = budgets_.try_emplace(subject, Budget{kBurst, now_us}).first->second;
  const double passed = static_cast<double>(std::max<std::int64_t>(0, now_us - budget.at_us)) /
                        static_cast<double>(kSecond);
  budget.tokens = std::min(kBurst, budget.tokens + passed * kRefillPerSecond);
  budget.at_us = now_us;
  if (budget.tokens < 1) return false;
  budget.tokens -= 1;
  return true;
}

void EventBook::forget_oldest() {
  while (order_.size() > kMaxRemembered) {
    told_.erase(order_.front());
    order_.pop_front();
  }
  if (similar_.size() > kMaxRemembered) similar_.clear();
}

void EventBook::forget(const std::string& name) {
  for (auto& [text, told] : told_) {
    if (told.name == name) told = {};
  }
}

std::optional<EventBook::Telling> EventBook::tell(const RecordEvent& event, const std::string& uid,
                                                  std::int64_t now_us) {
  const Subject subject{event.about.kind, event.about.name_space, event.about.name};
  if (!may_tell(subject, now_us)) return std::nullopt;
  std::string words = event.message;
  Similar& similar = similar_[{subject, event.type, event.reason}];
  if (now_us - similar.since_us > kSimilarSpan) similar = {now_us, 0};
  if (!told_.contains({subject, event.type, event.reason, words})) ++similar.texts;
  Text text{subject, event.type, event.reason, words};
  if (similar.texts > kMostSimilar) {
    words = "(combined from similar events): " + words;
    std::get<3>(text) = "(combined)";
  }
  const auto [entry, is_new] = told_.try_emplace(text);
  if (is_new) order_.push_back(text);
  Told& told = entry->second;
  if (told.count == 0) {
    told.name =
        fmt::format("{}.{:016x}", event.about.name, now_us * 1000 + std::ssize(order_) % 997);
    told.first_us = now_us;
  }
  ++told.count;
  const std::string first = kube::timestamp(told.first_us / kSecond);
  const std::string last = kube::timestamp(now_us / kSecond);
  Json about = {{"apiVersion", event.about.api_version},
                {"kind", event.about.kind},
                {"name", event.about.name}};
  if (!event.about.name_space.empty()) about["namespace"] = event.about.name_space;
  if (!uid.empty()) about["uid"] = uid;
  Telling out{.object = {{"apiVersion", "v1"},
                         {"kind", "Event"},
                         {"metadata",
                          {{"name", told.name},
                           {"namespace",
                            event.about.name_space.empty() ? "default" : event.about.name_space}}},
                         {"involvedObject", std::move(about)},
                         {"type", event.type},
                         {"reason", event.reason.substr(0, 128)},
                         {"message", words.substr(0, 1024)},
                         {"count", told.count},
                         {"firstTimestamp", first},
                         {"lastTimestamp", last},
                         {"eventTime", nullptr},
                         {"source", {{"component", component_}}},
                         {"reportingComponent", component_},
                         {"reportingInstance", ""}},
              .first = told.count == 1};
  forget_oldest();
  return out;
}

}  // namespace nacelle::control
