#include "gateway/ai/usage/usage_query.h"

#include "base/utf8.h"
#include "openai/json_writer.h"

namespace nacelle::gateway::ai {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                        hex_digit(text[i + 2]) >= 0;
    if (escape) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

void write_counts(openai::JsonWriter& writer, const UsageRow& row) {
  const auto number = [&](std::string_view name, std::uint64_t value) {
    writer.key(name).integer(static_cast<std::int64_t>(value));
  };
  number("requests", row.requests);
  number("failed", row.failed);
  number("input_tokens", row.usage.input);
  number("cached_input_tokens", row.usage.cached_input);
  number("cache_creation_input_tokens", row.usage.cache_creation);
  number("output_tokens", row.usage.output);
  number("reasoning_tokens", row.usage.reasoning);
  number("total_tokens", row.usage.total());
  number("cost", row.cost);
}

void add(UsageRow& sum, const UsageRow& row) {
  sum.requests += row.requests;
  sum.failed += row.failed;
  sum.usage.input += row.usage.input;
  sum.usage.cached_input += row.usage.cached_input;
  sum.usage.cache_creation += row.usage.cache_creation;
  sum.usage.output += row.usage.output;
  sum.usage.reasoning += row.usage.reasoning;
  sum.cost += row.cost;
}

}  // namespace

Result<UsageQuery> parse_usage_query(std::string_view query, WallTime now) {
  UsageQuery out;
  bool has_from = false;
  out.to = std::chrono::floor<std::chrono::days>(now);
  while (!query.empty()) {
    const std::size_t amp = query.find('&');
    const std::string_view part = query.substr(0, amp);
    query.remove_prefix(amp == std::string_view::npos ? query.size() : amp + 1);
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const std::string value =
        equals == std::string_view::npos ? "" : percent_decoded(part.substr(equals + 1));
    if (name == "key") {
      out.key_id = value;
    } else if (name == "model") {
      out.model = value;
    } else if (name == "from" || name == "to") {
      auto day = parse_day(value);
      if (!day) return day.error().with_context(name);
      (name == "from" ? out.from : out.to) = *day;
      has_from = has_from || name == "from";
    } else {
      return invalid_argument("unknown parameter '{}'; there are from, to, key, model", name);
    }
  }
  if (!has_from) {
    const std::chrono::year_month_day date(out.to);
    out.from = std::chrono::sys_days(date.year() / date.month() / 1);
  }
  if (out.from > out.to) {
    return invalid_argument("from {} is after to {}", to_string(out.from), to_string(out.to));
  }
  return out;
}

std::string usage_json(const UsageQuery& query, const UsageStore::Answer& answer) {
  std::string out;
  openai::JsonWriter writer(out);
  UsageRow totals;
  for (const UsageRow& row : answer.rows) add(totals, row);
  writer.begin_object().key("from").string(to_string(query.from)).key("to");
  writer.string(to_string(query.to)).key("truncated").boolean(answer.truncated);
  writer.key("totals").begin_object();
  write_counts(writer, totals);
  writer.end_object().key("data").begin_array();
  for (const UsageRow& row : answer.rows) {
    writer.begin_object().key("day").string(row.day).key("key").string(row.key_id);
    writer.key("model").string(sanitize_utf8(row.model)).key("route").string(row.route);
    writer.key("backend").string(row.backend);
    write_counts(writer, row);
    writer.end_object();
  }
  writer.end_array().end_object();
  return out;
}

Result<std::string> answer_usage(const UsageStore& store, std::string_view query, WallTime now) {
  ASSIGN_OR_RETURN(const UsageQuery parsed, parse_usage_query(query, now));
  ASSIGN_OR_RETURN(const UsageStore::Answer answer, store.query(parsed));
  return usage_json(parsed, answer);
}

}  // namespace nacelle::gateway::ai
