#include "telemetry/prometheus_text.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace nacelle::telemetry {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t'; }

void skip_spaces(std::string_view& text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
}

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}
bool is_name_char(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

std::string_view take_name(std::string_view& text) {
  std::size_t length = 0;
  if (!text.empty() && is_name_start(text.front())) {
    while (length < text.size() && is_name_char(text[length])) ++length;
  }
  const std::string_view name = text.substr(0, length);
  text.remove_prefix(length);
  return name;
}

// Takes `"..."` with escapes; false when the quote does not end.
bool take_quoted(std::string_view& text, std::string_view& raw) {
  if (text.empty() || text.front() != '"') return false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      raw = text.substr(1, i - 1);
      text.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

// One `name="value"` and the comma behind it. False at the end or where the syntax ends.
bool take_label(std::string_view& text, PrometheusLabels::Label& label) {
  skip_spaces(text);
  label.name = take_name(text);
  if (label.name.empty()) return false;
  skip_spaces(text);
  if (text.empty() || text.front() != '=') return false;
  text.remove_prefix(1);
  skip_spaces(text);
  if (!take_quoted(text, label.raw_value)) return false;
  skip_spaces(text);
  if (!text.empty() && text.front() == ',') text.remove_prefix(1);
  return true;
}

// Takes `{...}` and checks its syntax.
bool take_labels(std::string_view& text, std::string_view& raw) {
  std::string_view rest = text.substr(1);
  const char* const start = rest.data();
  for (;;) {
    skip_spaces(rest);
    if (rest.empty()) return false;
    if (rest.front() == '}') break;
    PrometheusLabels::Label label;
    const std::string_view before = rest;
    if (!take_label(rest, label)) return false;
    const bool separated = rest.empty() || rest.front() == '}' ||
                           before.substr(0, before.size() - rest.size()).ends_with(',');
    if (!separated) return false;
  }
  raw = std::string_view(start, static_cast<std::size_t>(rest.data() - start));
  text = rest.substr(1);
  return true;
}

bool parse_value(std::string_view text, double& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text == "Inf" || text == "inf") {
    value = std::numeric_limits<double>::infinity();
    return true;
  }
  if (text == "-Inf" || text == "-inf") {
    value = -std::numeric_limits<double>::infinity();
    return true;
  }
  if (text == "NaN" || text == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty()) return false;
  return error == std::errc() || error == std::errc::result_out_of_range;
}

bool parse_line(std::string_view line, PrometheusSample& sample) {
  sample.name = take_name(line);
  sample.raw_labels = {};
  if (sample.name.empty()) return false;
  skip_spaces(line);
  if (!line.empty() && line.front() == '{' && !take_labels(line, sample.raw_labels)) return false;
  skip_spaces(line);
  std::size_t end = 0;
  while (end < line.size() && !is_space(line[end])) ++end;
  sample.value = 0;
  if (!parse_value(line.substr(0, end), sample.value)) return false;
  line.remove_prefix(end);
  skip_spaces(line);
  // What follows is a time stamp, or an exemplar of OpenMetrics: both are ignored.
  return line.empty() || line.front() == '#' || line.front() == '-' ||
         (line.front() >= '0' && line.front() <= '9');
}

}  // namespace

bool PrometheusLabels::next(Label& label) { return take_label(rest_, label); }

std::optional<std::string_view> PrometheusSample::label(std::string_view label_name) const {
  PrometheusLabels all = labels();
  PrometheusLabels::Label label;
  while (all.next(label)) {
    if (label.name == label_name) return label.raw_value;
  }
  return std::nullopt;
}

bool PrometheusTextReader::next(PrometheusSample& sample) {
  while (!rest_.empty()) {
    const std::size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    skip_spaces(line);
    if (line.empty() || line.front() == '#') continue;
    if (parse_line(line, sample)) return true;
    ++malformed_;
  }
  return false;
}

std::string unescape_label(std::string_view raw_value) {
  std::string out;
  out.reserve(raw_value.size());
  for (std::size_t i = 0; i < raw_value.size(); ++i) {
    if (raw_value[i] != '\\' || i + 1 == raw_value.size()) {
      out += raw_value[i];
      continue;
    }
    const char next = raw_value[++i];
    if (next == 'n') {
      out += '\n';
    } else {
      if (next != '\\' && next != '"') out += '\\';
      out += next;
    }
  }
  return out;
}

}  // namespace nacelle::telemetry
