#include "control/core/pod/termination.h"

#include <fmt/format.h>

#include "base/utf8.h"
#include "control/core/pod/signal_names.h"

namespace nacelle::control::pod {
namespace {

// Codes that shells and our own start use.
std::string_view meaning(int code) {
  switch (code) {
    case 126:
      return " (the command cannot be executed)";
    case 127:
      return " (the command was not found)";
    default:
      return "";
  }
}

std::string what_happened(const Container& container, const Exit& exit) {
  if (exit.out_of_memory) {
    const auto limit = container.limits.find("memory");
    return limit == container.limits.end()
               ? "the kernel killed it: out of memory"
               : fmt::format("out of memory: the limit is {}", limit->second.to_string());
  }
  if (exit.signal != 0)
    return fmt::format("ended by signal {} ({})", exit.signal, signal_name(exit.signal));
  return fmt::format("exit code {}{}", exit.code, meaning(exit.code));
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

std::string tail_of(std::string_view text, std::size_t limit, std::size_t lines) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::size_t begin = text.size() > limit ? text.size() - limit : 0;
  if (begin > 0) {
    const std::size_t line = text.find('\n', begin);
    if (line != std::string_view::npos) begin = line + 1;
    while (begin < text.size() && is_continuation(text[begin])) ++begin;
  }
  std::size_t at = text.size();
  for (std::size_t count = 0; count < lines && at > begin; ++count) {
    const std::size_t found = text.rfind('\n', at - 1);
    if (found == std::string_view::npos || found < begin) {
      at = begin;
      break;
    }
    at = found;
    if (count + 1 == lines) begin = found + 1;
  }
  return std::string(text.substr(begin));
}

Termination termination_of(const Container& container, const ContainerState& state,
                           const Exit& exit, Instant now) {
  Termination out;
  out.started = state.started.wall;
  out.finished = now.wall;
  out.finished_at = now.at;
  out.id = state.id;
  out.signal = exit.signal;
  out.exit_code = exit.signal != 0 ? 128 + exit.signal : exit.code;
  if (!exit.lost.empty()) {
    out.exit_code = 137;
    out.signal = 0;
    out.reason = "ContainerStatusUnknown";
    out.message = exit.lost;
    return out;
  }
  out.reason = exit.out_of_memory        ? "OOMKilled"
               : !state.stop.why.empty() ? state.stop.why
               : out.exit_code == 0      ? "Completed"
                                         : "Error";
  if (exit.message && !exit.message->empty()) {
    out.message = tail_of(*exit.message, kMaxMessage, 1000);
  } else if (out.exit_code != 0) {
    // Kubernetes leaves this empty. Whoever runs `kubectl describe` wants to know what the process
    // said last.
    out.message = what_happened(container, exit);
    const std::string last = container.log_as_message ? tail_of(exit.last_lines, 2048, 80)
                                                      : tail_of(exit.last_lines, 1024, 10);
    if (!last.empty()) out.message += "; last lines:\n" + last;
  }
  out.message = sanitize_utf8(out.message);  // logs may hold anything, JSON may not
  return out;
}

}  // namespace nacelle::control::pod
