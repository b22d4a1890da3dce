// load.h: configuration files to a model.
//
// A path is a file or a folder, of which every *.yaml and *.yml file is read in order of names. A
// single file without apiVersion is read as the short form (gateway_config.h).
//
// Home:    blocks on files: start-up, or the reload thread.
// Errors:  every problem of every file; not_found for a path that is not there.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/config/model.h"
#include "gateway/config/part.h"

namespace nacelle::gateway {

inline constexpr std::size_t kMaxFileBytes = std::size_t{16} << 20;

// `part` may be null: its kinds are then unknown ones.
[[nodiscard]] Result<GatewayModel> load_model(const std::vector<std::string>& paths,
                                              ConfigPart* part = nullptr);
// The same from texts; the first of each pair names it in problems.
[[nodiscard]] Result<GatewayModel> parse_model(
    const std::vector<std::pair<std::string, std::string>>& files, ConfigPart* part = nullptr);
// The files that load_model() would read now.
[[nodiscard]] Result<std::vector<std::string>> list_files(const std::vector<std::string>& paths);

}  // namespace nacelle::gateway
