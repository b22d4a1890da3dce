#include "control/core/event_correlator.h"

#include <algorithm>

#include <fmt/format.h>

namespace nacelle::control {

bool EventCorrelator::has_token(const std::string& subject, TimePoint now) {
  if (buckets_.size() >= kMaxKeys && !buckets_.contains(subject)) buckets_.clear();
  const auto [found, fresh] = buckets_.try_emplace(subject);
  Bucket& bucket = found->second;
  if (!fresh) {
    bucket.tokens =
        std::min(kBurst, bucket.tokens + to_seconds(now - bucket.filled) / to_seconds(kRefill));
  }
  bucket.filled = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

std::optional<EventCorrelator::Write> EventCorrelator::record(const EventFact& fact, TimePoint now,
                                                              std::uint64_t unique,
                                                              const std::string& time) {
  const EventSubject& subject = fact.subject;
  const About about(subject.kind, subject.uid.empty() ? subject.name : subject.uid,
                    subject.field_path, fact.warning, fact.reason);
  if (similar_.size() >= kMaxKeys && !similar_.contains(about)) similar_.clear();
  Similar& similar = similar_[about];
  if (now - similar.last > kWindow) similar.messages.clear();
  similar.last = now;
  std::string key = fact.message;
  Write out;
  out.message = fact.message;
  if (similar.messages.size() < kSimilar || similar.messages.contains(fact.message)) {
    similar.messages.insert(fact.message);
  } else {
    key.clear();  // one object for all of them
    out.message = "(combined from similar events): " + fact.message;
  }
  if (!has_token(std::get<1>(about), now)) return std::nullopt;
  if (known_.size() >= kMaxKeys && !known_.contains({about, key})) known_.clear();
  Known& known = known_[{about, key}];
  if (++known.count == 1) {
    known.name = fmt::format("{}.{:016x}", subject.name, unique);
    known.first_time = time;
  }
  out.name = known.name;
  out.count = known.count;
  out.first_time = known.first_time;
  return out;
}

}  // namespace nacelle::control
