// terminal.h: where a command writes, and how it says that something went wrong.
//
// Home:    the caller's loop.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/client.h"

namespace nacelle::cli {

struct Terminal {
  std::function<void(std::string_view)> out, err;

  void warn(const std::vector<std::string>& warnings) const {
    for (const std::string& each : warnings) err("Warning: " + each + "\n");
  }
};

// "Error from server (NotFound): pods "p" not found"; without a server's word the error itself.
[[nodiscard]] inline std::string sentence(const kube::ApiError& error) {
  return "Error from server" + (error.reason.empty() ? "" : " (" + error.reason + ")") + ": " +
         error.message;
}
[[nodiscard]] inline std::string sentence(const Result<kube::Answer>& answer) {
  return answer.ok() ? sentence(*answer->error) : "error: " + answer.error().message();
}
[[nodiscard]] inline bool succeeded(const Result<kube::Answer>& answer) {
  return answer.ok() && answer->ok();
}

}  // namespace nacelle::cli
