#include "gateway/route/path.h"

#include <algorithm>
#include <vector>

namespace nacelle::gateway {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The number of dots that a segment consists of, plain or as %2e; 0 when it is something else.
int dots(std::string_view segment) {
  int count = 0;
  while (!segment.empty()) {
    if (segment.front() == '.') {
      segment.remove_prefix(1);
    } else if (segment.size() >= 3 && segment[0] == '%' && segment[1] == '2' &&
               (segment[2] | 0x20) == 'e') {
      segment.remove_prefix(3);
    } else {
      return 0;
    }
    if (++count > 2) return 0;
  }
  return count;
}

std::string_view without_last_slash(std::string_view path) {
  if (path.ends_with("/")) path.remove_suffix(1);
  return path;
}

}  // namespace

bool is_normal_path(std::string_view path) {
  if (!path.starts_with("/")) return false;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    if (path[i] == '/' && (path[i + 1] == '/' || path[i + 1] == '.' || path[i + 1] == '%')) {
      if (path[i + 1] == '/') return false;
      const std::string_view rest = path.substr(i + 1);
      if (dots(rest.substr(0, std::min(rest.find('/'), rest.size()))) > 0) return false;
    }
  }
  return true;
}

std::optional<std::string> normalize_path(std::string_view path) {
  if (!path.starts_with("/")) return std::nullopt;
  if (is_normal_path(path)) return std::string(path);
  std::vector<std::string_view> kept;
  bool directory = false;  // the result ends with a slash
  path.remove_prefix(1);
  while (true) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    const int count = dots(segment);
    directory = segment.empty() || count > 0;
    if (count == 2) {
      if (kept.empty()) return std::nullopt;
      kept.pop_back();
    } else if (!directory) {
      kept.push_back(segment);
    }
    if (end == path.size()) break;
    path.remove_prefix(end + 1);
  }
  std::string normal;
  for (const std::string_view segment : kept) normal.append("/").append(segment);
  if (directory || normal.empty()) normal += '/';
  return normal;
}

bool path_has_prefix(std::string_view path, std::string_view prefix) {
  prefix = without_last_slash(prefix);
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

std::string replace_prefix(std::string_view path, std::string_view prefix,
                           std::string_view replacement) {
  std::string result(without_last_slash(replacement));
  std::string_view rest = path.substr(std::min(without_last_slash(prefix).size(), path.size()));
  // "/foo/" with "/foo" replaced by "/xyz/" keeps one slash; by "" it is the root.
  result += rest;
  if (result.empty()) result = "/";
  return result;
}

std::string percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      decoded += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

}  // namespace nacelle::gateway
