// endpoints_file.h: the list of endpoints that `file-discovery` reads.
//
//   endpoints:
//   - {name: a, namespace: default, address: 10.0.0.1, port: "8000", labels: {llm-d.ai/role:
//   decode}}
//
// Home:    pure.
// Errors:  invalid_argument when the text is no such document; an entry that is wrong is skipped
// and
//          named in `skipped`, so that one bad line does not empty a pool.
// Bounds:  1 MiB, 10,000 endpoints.
// Source:  router.md section 13.4.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "router/endpoint.h"

namespace nacelle::router {

struct FileEndpoint {
  std::string name;
  std::string name_space = "default";
  std::string address;  // host:port
  Labels labels;

  friend bool operator==(const FileEndpoint&, const FileEndpoint&) = default;
};

struct EndpointsFile {
  std::vector<FileEndpoint> endpoints;
  std::vector<std::string> skipped;  // "endpoints[3].port: ..."
};

[[nodiscard]] Result<EndpointsFile> parse_endpoints_file(std::string_view text);

}  // namespace nacelle::router
