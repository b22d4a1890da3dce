// get.h: `nacelle get`: the tables that the server makes of its objects, or the objects themselves;
// once, or for as long as something changes.
//
// Home:    the client's loop.
// Errors:  told on the terminal; the answer is the exit code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/kube/cluster.h"
#include "cli/kube/terminal.h"

namespace nacelle::cli {

struct GetOptions {
  enum class Output : std::uint8_t { kTable, kWide, kYaml, kJson, kName };
  std::vector<std::string> words;
  Output output = Output::kTable;
  bool all_namespaces = false;
  bool watch = false;
  bool headers = true;
  bool ignore_not_found = false;
  std::string label_selector, field_selector;
  // Of a watch: ends after so many events; 0 is never.
  std::size_t most_events = 0;
};

[[nodiscard]] async::Task<int> get(Cluster& cluster, GetOptions options, const Terminal& terminal);

}  // namespace nacelle::cli
