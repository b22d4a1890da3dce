// address_prober.h: asks the addresses that decisions wait for, until each has answered.
//
// One that does not answer is asked again after a wait that doubles from kFirstWait to kMaxWait,
// for as long as somebody waits for it. An answer is kept until nobody does: a settled service has
// its addresses in its status, and nothing is asked for it.
//
// Home:    the client's loop. stop() before destruction.
// Errors:  none: what an address said instead is its answer.
// Bounds:  kMaxAtOnce addresses are asked at a time, each for kPatience.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/event.h"
#include "async/task.h"
#include "async/task_scope.h"
#include "base/clock.h"
#include "base/status.h"
#include "control/core/address_ask.h"

namespace nacelle::control {

class AddressProber {
 public:
  static constexpr Duration kFirstWait = std::chrono::milliseconds(10);
  static constexpr Duration kMaxWait = std::chrono::seconds(10);
  static constexpr Duration kPatience = std::chrono::seconds(2);
  static constexpr std::size_t kMaxAtOnce = 16;

  // Asks once.
  using Ask = std::function<async::Task<Status>(AddressAsk)>;

  AddressProber(async::Loop& loop, Ask ask);
  AddressProber(const AddressProber&) = delete;
  AddressProber& operator=(const AddressProber&) = delete;

  // What is known of those that `asker` waits for, by URL.
  [[nodiscard]] std::map<std::string, AddressAnswer> answers(const std::string& asker) const;
  // `asker` waits for these alone from now on; `again` is called on the loop when one of them
  // answers, or says something else than before.
  void wait_for(const std::string& asker, const std::vector<AddressAsk>& asks,
                const std::function<void()>& again);

  [[nodiscard]] async::Task<void> stop();
  // Nobody is being asked just now.
  [[nodiscard]] bool idle() const { return asked_now_ == 0 && fresh_ == 0; }

 private:
  struct Entry;
  using Entries = std::map<std::string, std::shared_ptr<Entry>>;

  static async::Task<void> run(AddressProber* self, std::shared_ptr<Entry> entry);
  [[nodiscard]] async::Task<Status> ask_once(AddressAsk ask);

  async::Loop& loop_;
  const Ask ask_;
  async::StopScope scope_;
  async::Event slot_;
  std::map<std::string, Entries> askers_;
  std::size_t asked_now_ = 0;
  std::size_t fresh_ = 0;  // not asked yet
};

// Over HTTP, with certificates of any kind: the question is whether the way works.
[[nodiscard]] AddressProber::Ask http_ask(async::Loop& loop);

}  // namespace nacelle::control
