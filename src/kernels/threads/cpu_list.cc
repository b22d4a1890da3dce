#include "kernels/threads/cpu_list.h"

#include <algorithm>
#include <charconv>

namespace nacelle::kernels {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\n";
  const std::size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  return text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
}

// A whole decimal number below kMaxCpus.
std::optional<CpuNumber> parse_number(std::string_view text) {
  CpuNumber value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value >= kMaxCpus) return std::nullopt;
  return value;
}

}  // namespace

std::optional<CpuList> parse_cpu_list(std::string_view text) {
  CpuList list;
  text = trim(text);
  if (text.empty()) return list;
  std::vector<bool> in(kMaxCpus, false);
  for (;;) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = text.substr(0, comma);
    const std::size_t dash = std::min(item.find('-'), item.size());
    const auto first = parse_number(item.substr(0, dash));
    const auto last = dash == item.size() ? first : parse_number(item.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    std::fill(in.begin() + *first, in.begin() + *last + 1, true);
    if (comma == text.size()) break;
    text.remove_prefix(comma + 1);
  }
  for (CpuNumber cpu = 0; cpu < kMaxCpus; ++cpu) {
    if (in[cpu]) list.push_back(cpu);
  }
  return list;
}

std::string format_cpu_list(const CpuList& list) {
  std::string text;
  for (std::size_t i = 0; i < list.size();) {
    std::size_t end = i + 1;
    while (end < list.size() && list[end] == list[end - 1] + 1) ++end;
    if (!text.empty()) text += ',';
    text += std::to_string(list[i]);
    if (end - i > 1) text += '-' + std::to_string(list[end - 1]);
    i = end;
  }
  return text;
}

bool contains(const CpuList& list, CpuNumber cpu) {
  return std::binary_search(list.begin(), list.end(), cpu);
}

}  // namespace nacelle::kernels
