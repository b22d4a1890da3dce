#include "gateway/ai/auth/sigv4.h"

#include <algorithm>

#include "gateway/ai/auth/digest.h"
#include "provider/schema.h"

namespace nacelle::gateway::ai {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

struct Stamp {
  std::string date;  // 20150830
  std::string time;  // 20150830T123600Z
};

Stamp stamp_of(WallTime now) {
  const auto days = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss time(now - days);
  Stamp out;
  out.date = fmt::format("{:04}{:02}{:02}", static_cast<int>(date.year()),
                         static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  out.time = fmt::format("{}T{:02}{:02}{:02}Z", out.date, time.hours().count(),
                         time.minutes().count(), time.seconds().count());
  return out;
}

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string canonical_path(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    out += provider::escape_path_segment(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    out += '/';
    path.remove_prefix(slash + 1);
  }
  return out.empty() ? "/" : out;
}

// Pairs sorted by name, then value; their encoding is taken as sent.
std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  while (!query.empty()) {
    const std::size_t amp = query.find('&');
    const std::string_view part = query.substr(0, amp);
    const std::size_t equals = part.find('=');
    const bool has_value = equals != std::string_view::npos;
    if (!part.empty()) {
      pairs.emplace_back(part.substr(0, equals),
                         has_value ? part.substr(equals + 1) : std::string_view());
    }
    query.remove_prefix(amp == std::string_view::npos ? query.size() : amp + 1);
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [name, value] : pairs) {
    out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, value);
  }
  return out;
}

// Runs of spaces inside a value become one.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    if (c != ' ' || !out.ends_with(' ')) out += c;
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> sorted_headers(const SignableRequest& request) {
  auto headers = request.headers;
  std::stable_sort(headers.begin(), headers.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::pair<std::string, std::string>> out;
  for (auto& [name, value] : headers) {
    if (!out.empty() && out.back().first == name) {
      out.back().second += "," + canonical_value(value);
    } else {
      out.emplace_back(std::move(name), canonical_value(value));
    }
  }
  return out;
}

std::string signed_names(const SignableRequest& request) {
  std::string out;
  for (const auto& [name, value] : sorted_headers(request)) out += (out.empty() ? "" : ";") + name;
  return out;
}

std::string scope_text(const Stamp& stamp, const AwsScope& scope) {
  return fmt::format("{}/{}/{}/aws4_request", stamp.date, scope.region, scope.service);
}

}  // namespace

std::string canonical_request(const SignableRequest& request) {
  const std::size_t question = request.target.find('?');
  const std::string_view query =
      question == std::string_view::npos ? std::string_view() : request.target.substr(question + 1);
  std::string out =
      fmt::format("{}\n{}\n{}\n", request.method,
                  canonical_path(request.target.substr(0, question)), canonical_query(query));
  for (const auto& [name, value] : sorted_headers(request)) {
    out += fmt::format("{}:{}\n", name, value);
  }
  return out + fmt::format("\n{}\n{}", signed_names(request), hex(sha256(request.body)));
}

std::string string_to_sign(const SignableRequest& request, const AwsScope& scope, WallTime now) {
  const Stamp stamp = stamp_of(now);
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, stamp.time, scope_text(stamp, scope),
                     hex(sha256(canonical_request(request))));
}

std::vector<NewHeader> sign_v4(SignableRequest request, const AwsCredentials& credentials,
                               const AwsScope& scope, WallTime now) {
  const Stamp stamp = stamp_of(now);
  std::vector<NewHeader> out{{"x-amz-date", stamp.time}};
  if (!credentials.session_token.empty()) {
    out.emplace_back("x-amz-security-token", credentials.session_token.reveal());
  }
  for (const NewHeader& header : out) request.headers.push_back(header);

  const Sha256 date_key = hmac_sha256("AWS4" + credentials.secret_access_key.reveal(), stamp.date);
  const Sha256 region_key = hmac_sha256(as_bytes(date_key), scope.region);
  const Sha256 service_key = hmac_sha256(as_bytes(region_key), scope.service);
  const Sha256 key = hmac_sha256(as_bytes(service_key), "aws4_request");
  const std::string signature =
      hex(hmac_sha256(as_bytes(key), string_to_sign(request, scope, now)));
  out.emplace_back("authorization",
                   fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                               credentials.access_key_id, scope_text(stamp, scope),
                               signed_names(request), signature));
  return out;
}

std::optional<std::string> aws_region_of_host(std::string_view host) {
  host = host.substr(0, host.find(':'));
  for (const std::string_view suffix :
       {".vpce.amazonaws.com", ".amazonaws.com", ".amazonaws.com.cn", ".api.aws"}) {
    if (!host.ends_with(suffix)) continue;
    const std::string_view rest = host.substr(0, host.size() - suffix.size());
    const std::size_t dot = rest.rfind('.');
    // A region has the form letters-letters-digit: bedrock-runtime alone is a service.
    const std::string_view region = rest.substr(dot == std::string_view::npos ? 0 : dot + 1);
    const bool numbered = !region.empty() && region.back() >= '0' && region.back() <= '9';
    if (dot == std::string_view::npos || !numbered) return std::nullopt;
    return std::string(region);
  }
  return std::nullopt;
}

Result<AwsCredentials> parse_aws_credentials(std::string_view ini, std::string_view profile) {
  AwsCredentials out;
  bool found = false;
  bool inside = false;
  while (!ini.empty()) {
    const std::size_t end = ini.find('\n');
    const std::string_view line = trim(ini.substr(0, end));
    ini.remove_prefix(end == std::string_view::npos ? ini.size() : end + 1);
    if (line.starts_with('[') && line.ends_with(']')) {
      inside = trim(line.substr(1, line.size() - 2)) == profile;
      found = found || inside;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!inside || line.starts_with('#') || equals == std::string_view::npos) continue;
    const std::string_view name = trim(line.substr(0, equals));
    std::string value(trim(line.substr(equals + 1)));
    if (name == "aws_access_key_id") out.access_key_id = std::move(value);
    if (name == "aws_secret_access_key") out.secret_access_key = Secret(std::move(value));
    if (name == "aws_session_token") out.session_token = Secret(std::move(value));
  }
  if (!found) return not_found("the AWS credentials have no profile '{}'", profile);
  if (out.access_key_id.empty() || out.secret_access_key.empty()) {
    return invalid_argument("profile '{}' needs aws_access_key_id and aws_secret_access_key",
                            profile);
  }
  return out;
}

}  // namespace nacelle::gateway::ai
