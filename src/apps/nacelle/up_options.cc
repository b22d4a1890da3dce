#include "apps/nacelle/up_options.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>

namespace nacelle::apps {
namespace {

template <class T>
std::function<bool(const YAML::Node&)> into(T& out) {
  return [&out](const YAML::Node& node) { return YAML::convert<T>::decode(node, out); };
}

std::function<bool(const YAML::Node&)> into_path(std::filesystem::path& out) {
  return [&out](const YAML::Node& node) {
    if (!node.IsScalar()) return false;
    out = node.as<std::string>();
    return true;
  };
}

}  // namespace

bool gives_flag(const std::vector<std::string>& args, std::string_view flag) {
  return std::any_of(args.begin(), args.end(), [flag](std::string arg) {
    std::replace(arg.begin(), arg.end(), '_', '-');
    return arg == flag || arg.starts_with(std::string(flag) + "=");
  });
}

std::string reachable_host(const std::string& host) {
  return host.empty() || host == "0.0.0.0" ? "127.0.0.1" : host;
}

Status apply_up_file(std::string_view yaml, UpOptions& options) {
  const std::map<std::string, std::function<bool(const YAML::Node&)>> fields = {
      {"model", into_path(options.model)},
      {"engines", into(options.engines)},
      {"host", into(options.host)},
      {"port", into(options.port)},
      {"admin_port", into(options.admin_port)},
      {"policy", into(options.policy)},
      {"data_dir", into_path(options.data_dir)},
      {"engine_args", into(options.engine_args)},
      {"without_api", into(options.without_api)},
      {"api_host", into(options.api_host)},
      {"api_port", into(options.api_port)},
      {"nodes", into(options.nodes)},
      {"devices", into(options.devices)},
      {"leave_pods", into(options.leave_pods)},
  };
  std::string problems, known;
  for (const auto& [name, unused] : fields) known += (known.empty() ? "" : ", ") + name;
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    if (!root.IsMap()) return invalid_argument("expected a map with {}", known);
    for (const auto& entry : root) {
      const auto key = entry.first.as<std::string>("");
      const auto field = fields.find(key);
      if (field == fields.end()) {
        problems += fmt::format("\n{}: unknown field; there are {}", key, known);
      } else if (!field->second(entry.second)) {
        problems += fmt::format("\n{}: wrong kind of value", key);
      } else if (key == "model" || key == "engines" || key == "policy" || key == "engine_args") {
        options.model_given = true;
      }
    }
  } catch (const YAML::Exception& error) {
    return invalid_argument("not YAML: {}", error.what());
  }
  if (!problems.empty()) return Status(Code::kInvalidArgument, problems.substr(1));
  return {};
}

Result<std::filesystem::path> find_demo_model(const std::filesystem::path& program) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path folder = (error ? program : self).parent_path();
  const std::filesystem::path places[] = {"models/demo", folder / "../../models/demo",
                                          folder / "../share/nacelle/models/demo"};
  std::string looked;
  for (const auto& place : places) {
    if (std::filesystem::exists(place / "config.json", error))
      return std::filesystem::canonical(place, error);
    looked += fmt::format("\n  {}", place.lexically_normal().string());
  }
  return not_found("the demo model is in none of{}\nname a model folder: nacelle up MODEL_DIR",
                   looked);
}

std::filesystem::path default_data_dir() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0') {
    return std::filesystem::path(state) / "nacelle";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return std::filesystem::path(home) / ".local/state/nacelle";
  }
  return std::filesystem::temp_directory_path() / "nacelle";
}

}  // namespace nacelle::apps
