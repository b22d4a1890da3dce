#include "telemetry/exposition.h"

#include <cmath>

#include <fmt/format.h>

namespace nacelle::telemetry {

namespace {

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);  // the shortest text that reads back
  }
}

void append_escaped(std::string& out, std::string_view text, bool quote) {
  for (char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quote) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

// `{a="x",le="1"}`; `extra` is one more label, already formatted.
void append_labels(std::string& out, const Labels& labels, std::string_view extra) {
  if (labels.empty() && extra.empty()) return;
  out += '{';
  bool first = true;
  for (const auto& [name, value] : labels) {
    if (!std::exchange(first, false)) out += ',';
    out += name;
    out += "=\"";
    append_escaped(out, value, true);
    out += '"';
  }
  if (!extra.empty()) {
    if (!first) out += ',';
    out += extra;
  }
  out += '}';
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix,
                   const Labels& labels, std::string_view extra, double value) {
  out += name;
  out += suffix;
  append_labels(out, labels, extra);
  out += ' ';
  append_number(out, value);
  out += '\n';
}

}  // namespace

std::string& Exposition::family(std::string_view name, std::string_view help,
                                std::string_view type) {
  auto found = families_.find(name);
  if (found == families_.end()) {
    std::string lines = fmt::format("# HELP {} ", name);
    append_escaped(lines, help, false);
    lines += fmt::format("\n# TYPE {} {}\n", name, type);
    found = families_.emplace(std::string(name), std::move(lines)).first;
  }
  return found->second;
}

void Exposition::declare(std::string_view name, std::string_view help, std::string_view type) {
  (void)family(name, help, type);
}

void Exposition::counter(std::string_view name, std::string_view help, const Labels& labels,
                         double value) {
  append_sample(family(name, help, "counter"), name, "", labels, "", value);
}

void Exposition::gauge(std::string_view name, std::string_view help, const Labels& labels,
                       double value) {
  append_sample(family(name, help, "gauge"), name, "", labels, "", value);
}

void Exposition::histogram(std::string_view name, std::string_view help, const Labels& labels,
                           const std::vector<std::pair<double, std::uint64_t>>& cumulative,
                           std::uint64_t count, double sum) {
  std::string& out = family(name, help, "histogram");
  for (const auto& [bound, below] : cumulative) {
    std::string le = "le=\"";
    // Whole numbers keep a decimal, as the Python client writes them and dashboards select them.
    if (bound == std::floor(bound) && std::abs(bound) < 1e15) {
      le += fmt::format("{:.1f}", bound);
    } else {
      append_number(le, bound);
    }
    le += '"';
    append_sample(out, name, "_bucket", labels, le, static_cast<double>(below));
  }
  append_sample(out, name, "_bucket", labels, "le=\"+Inf\"", static_cast<double>(count));
  append_sample(out, name, "_sum", labels, "", sum);
  append_sample(out, name, "_count", labels, "", static_cast<double>(count));
}

std::string Exposition::text() const {
  std::string out;
  for (const auto& [name, lines] : families_) out += lines;
  return out;
}

}  // namespace nacelle::telemetry
