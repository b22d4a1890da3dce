// world.h: a namespace that carries actions out as an API server would, for tests of controllers.
//
// Updates with an old resourceVersion are refused, the status is a part of its own, generations
// count, deletion waits for finalizers and, for pods, for the node; what has no owner left goes.
// Applies are those of one manager: what it does not say any more goes.
//
//   World world(deciders);            // one function per controller and object
//   world.stumble(random, 50);        // any order, crashes after any action, decisions from the
//   past world.settle(); EXPECT_EQ(world.writes_to_settle(), 0);
//
// Home:    one test.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "control/core/decision.h"

namespace nacelle::control::workload::testing {

class World {
 public:
  using Decider = std::function<Decision()>;
  // Called anew for every step, since objects come and go.
  using Deciders = std::function<std::vector<Decider>(World&)>;
  // What everybody else does in one moment: nodes run pods, users nothing.
  using Others = std::function<void(World&)>;

  World(Deciders deciders, Others others)
      : deciders_(std::move(deciders)), others_(std::move(others)) {}

  std::int64_t now = 1'800'000'000;
  int writes = 0;
  std::vector<RecordEvent> events;

  // Fills in what an API server does.
  Json& add(Json object);
  [[nodiscard]] std::vector<Json> of(std::string_view kind) const;
  [[nodiscard]] Json* find(std::string_view kind, std::string_view name);
  [[nodiscard]] const std::vector<Json>& objects() const { return objects_; }
  // A user's edit: counts generations and versions.
  void edit(std::string_view kind, std::string_view name, const std::function<void(Json&)>& change);
  void remove(std::string_view kind, std::string_view name);

  // False when the API refuses: a controller stops there and decides again.
  bool carry_out(const Action& action);

  // Pods that are being deleted end; what no owner holds goes. `others` usually begins with it.
  void finish_deletions();

  // Rounds until nobody has anything to do; false when that does not come.
  [[nodiscard]] bool settle(int rounds = 500);
  void stumble(std::mt19937& random, int steps);
  // Writes of one more round: of a settled world none.
  [[nodiscard]] int writes_to_settle();
  [[nodiscard]] std::string text() const { return Json(objects_).dump(1); }

 private:
  [[nodiscard]] bool write(const Json& object, bool status);
  void apply(const Json& object);
  void request_deletion(Json& stored);
  void erase_if_free(const std::string& uid);
  void touch(Json& stored);

  Deciders deciders_;
  Others others_;
  std::vector<Json> objects_;
  std::map<std::string, Json> applied_;  // by uid, what was applied last
  int uids_ = 0;
  int versions_ = 0;
};

}  // namespace nacelle::control::workload::testing
