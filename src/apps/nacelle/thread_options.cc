#include "apps/nacelle/thread_options.h"

#include <charconv>

namespace nacelle::apps {
namespace {

using kernels::ThreadBinding;
using kernels::ThreadRequest;

Status read_binding(std::string_view value, ThreadRequest& request) {
  if (value.empty() || value == "auto") return {};
  if (value == "nobind") {
    request.binding = ThreadBinding::kNone;
    return {};
  }
  auto list = kernels::parse_cpu_list(value.substr(0, value.find('|')));
  if (!list || list->empty()) {
    return invalid_argument(
        "VLLM_CPU_OMP_THREADS_BIND must be auto, nobind or a list of CPUs like 0-3,8, got '{}'",
        value);
  }
  request.binding = ThreadBinding::kList;
  request.list = std::move(*list);
  return {};
}

}  // namespace

Result<ThreadRequest> resolve_thread_options(
    const cli::FlagValues& flags,
    const std::function<std::optional<std::string>(const char*)>& environment) {
  ThreadRequest request;
  const std::int64_t threads = flags.integer("threads", 0);
  if (threads < 0 || threads > 1024)
    return invalid_argument("--threads must be 0 to 1024, got {}", threads);
  request.num_threads = static_cast<std::size_t>(threads);
  RETURN_IF_ERROR(read_binding(environment("VLLM_CPU_OMP_THREADS_BIND").value_or(""), request));
  if (request.binding != ThreadBinding::kAuto) return request;

  if (const auto text = environment("VLLM_CPU_NUM_OF_RESERVED_CPU"); text && !text->empty()) {
    std::uint32_t cores = 0;
    const char* end = text->data() + text->size();
    if (const auto parsed = std::from_chars(text->data(), end, cores);
        parsed.ec != std::errc() || parsed.ptr != end) {
      return invalid_argument("VLLM_CPU_NUM_OF_RESERVED_CPU must be a number of cores, got '{}'",
                              *text);
    }
    request.num_reserved_cores = cores;
  }
  if (const auto text = environment("CPU_VISIBLE_MEMORY_NODES"); text && !text->empty()) {
    request.nodes = kernels::parse_cpu_list(*text);
    if (!request.nodes || request.nodes->empty()) {
      return invalid_argument("CPU_VISIBLE_MEMORY_NODES must be a list of nodes like 0,1, got '{}'",
                              *text);
    }
  }
  return request;
}

}  // namespace nacelle::apps
