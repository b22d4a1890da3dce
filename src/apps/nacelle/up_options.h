// up_options.h: what `nacelle up` was asked to run: flags, over a file, over defaults.
//
//   # up.yaml
//   model: models/demo
//   engines: 2
//   host: 127.0.0.1
//   port: 8080
//   admin_port: 8081
//   policy: prefix-aware
//   data_dir: /var/lib/nacelle
//   api_port: 6443
//   nodes: 1
//   devices: ["nvidia.com/gpu=1:80Gi"]
//   engine_args: [--max-model-len, "2048"]
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nacelle::apps {

struct UpOptions {
  std::filesystem::path model;  // "" = the demo model
  std::uint32_t engines = 2;
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  std::uint16_t admin_port = 8081;
  std::string policy = "prefix-aware";
  std::filesystem::path data_dir;  // logs; "" = ~/.local/state/nacelle
  std::vector<std::string> engine_args;
  std::string log_level = "warn";

  // Of the cluster; without_api serves with engines alone.
  bool without_api = false;
  std::string api_host = "127.0.0.1";
  std::uint16_t api_port = 6443;
  std::uint32_t nodes = 1;
  std::vector<std::string> devices;  // of each node (device_option.h)
  bool leave_pods = false;           // engines outlive the process, as after kill -9
  bool model_given = false;          // the command line or the file say what to serve
};

// "--flag" or "--flag=..." is among the arguments of an engine, with _ or -.
[[nodiscard]] bool gives_flag(const std::vector<std::string>& args, std::string_view flag);

// Where a client on this machine reaches what listens on `host`.
[[nodiscard]] std::string reachable_host(const std::string& host);

// Fills in what a YAML file says. Lists every problem with its key.
[[nodiscard]] Status apply_up_file(std::string_view yaml, UpOptions& options);

// The model that ships with Nacelle: beside the build, or installed under share/nacelle.
// not_found lists the places looked at.
[[nodiscard]] Result<std::filesystem::path> find_demo_model(const std::filesystem::path& program);

// $XDG_STATE_HOME/nacelle, else ~/.local/state/nacelle, else a folder under the temporary
// directory.
[[nodiscard]] std::filesystem::path default_data_dir();

}  // namespace nacelle::apps
