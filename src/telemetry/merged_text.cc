#include "telemetry/merged_text.h"

namespace nacelle::telemetry {
namespace {

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

// True when the sample names that label. A value cannot look like it: its quotes are escaped.
bool has_label(std::string_view sample, std::string_view name) {
  for (const char before : {'{', ','}) {
    if (sample.find(std::string(1, before) + std::string(name) + "=\"") != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

void append_sample(std::string& out, std::string_view line, const Labels& labels) {
  std::string extra;
  for (const auto& [name, value] : labels) {
    if (has_label(line, name)) continue;
    if (!extra.empty()) extra += ',';
    extra += name + "=\"" + escaped(value) + '"';
  }
  const std::size_t at = line.find_first_of("{ ");
  if (extra.empty() || at == std::string_view::npos) {
    out += line;
  } else {
    out += line.substr(0, at);
    out += '{' + extra;
    if (line[at] == '{') {
      out += ',';
      out += line.substr(at + 1);
    } else {
      out += '}';
      out += line.substr(at);
    }
  }
  out += '\n';
}

}  // namespace

void MergedText::add(std::string_view page, const Labels& labels) {
  Family* family = nullptr;
  bool head_is_new = false;
  while (!page.empty()) {
    const std::string_view line = page.substr(0, page.find('\n'));
    page.remove_prefix(std::min(line.size() + 1, page.size()));
    if (line.starts_with("# HELP ")) {
      const std::string_view rest = line.substr(7);
      const std::string_view name = rest.substr(0, rest.find(' '));
      family = &families_[std::string(name)];
      head_is_new = family->head.empty();
    }
    if (family == nullptr) continue;
    if (!line.starts_with('#')) {
      append_sample(family->samples, line, labels);
    } else if (head_is_new) {
      family->head += line;
      family->head += '\n';
    }
  }
}

std::string MergedText::text() const {
  std::string out;
  for (const auto& [name, family] : families_) out += family.head + family.samples;
  return out;
}

}  // namespace nacelle::telemetry
