// Any bytes as a decision record: a report or an error, whatever the lines claim.

// links: router base
#include <cstdint>
#include <sstream>
#include <string>

#include "base/check.h"
#include "router/record/replay.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacelle;
  std::istringstream record(std::string(reinterpret_cast<const char*>(data), size));
  router::ReplayOptions options;
  options.explain = 1;
  const auto report = router::replay(record, options);
  if (!report) CHECK(!report.error().message().empty());
  return 0;
}
