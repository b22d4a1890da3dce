// sequence_tracker.h: what to do with a numbered message of one publisher. Pure.
//
// Numbers rise by one from 0. Live numbers that stand still or fall mean that another process
// publishes; numbers that skip mean that messages were lost. Messages that a replay has brought
// already come again on the live socket and are dropped.
//
// Home:    the subscriber's thread.
// Source:  router.md section 11.2.
#pragma once

#include <cstdint>
#include <optional>

namespace nacelle::router {

class SequenceTracker {
 public:
  enum class Verdict {
    kApply,      // the one that was due
    kDuplicate,  // a replay brought it
    kJoined,     // the first we hear of this publisher, and not its first
    kGap,        // some are missing before it
    kRestarted,  // another process; it may be its first message or not
  };

  // Judges a live message. Nothing but the live number is remembered until applied().
  [[nodiscard]] Verdict judge(std::uint64_t sequence) {
    const std::optional<std::uint64_t> last = last_live_;
    last_live_ = sequence;
    if (last && sequence <= *last) return Verdict::kRestarted;
    if (!next_) return sequence == 0 ? Verdict::kApply : Verdict::kJoined;
    if (sequence == *next_) return Verdict::kApply;
    return sequence < *next_ ? Verdict::kDuplicate : Verdict::kGap;
  }
  void applied(std::uint64_t sequence) { next_ = sequence + 1; }
  // The next one that is due; nullopt before the first.
  [[nodiscard]] std::optional<std::uint64_t> next() const { return next_; }
  // Nothing is known any more, and anything may come.
  void reset() { next_.reset(), last_live_.reset(); }
  // Nothing was applied, though live messages were seen.
  void forget_applied() { next_.reset(); }

 private:
  std::optional<std::uint64_t> next_, last_live_;
};

}  // namespace nacelle::router
