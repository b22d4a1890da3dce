#include "telemetry/log.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cmath>
#include <memory>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/utf8.h"

namespace nacelle::telemetry::log {

namespace {

// Sinks lock; the pointer is swapped whole, so that a reader of the old one stays valid.
struct Target {
  Format format = Format::kText;
  std::shared_ptr<spdlog::logger> logger;
};

std::atomic<Level> current_level{Level::kInfo};

std::shared_ptr<const Target> make_target(Format format, spdlog::sink_ptr sink) {
  auto target = std::make_shared<Target>();
  target->format = format;
  target->logger = std::make_shared<spdlog::logger>("nacelle", std::move(sink));
  target->logger->set_level(spdlog::level::trace);
  // UTC stamps, so that lines of many machines sort.
  const char* pattern = format == Format::kText ? "%Y-%m-%dT%H:%M:%S.%eZ %v"
                                                : "{\"ts\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v}";
  target->logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  target->logger->flush_on(spdlog::level::trace);
  return target;
}

std::shared_ptr<const Target>& target_slot() {
  static std::shared_ptr<const Target> target =
      make_target(Format::kText, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  return target;
}

std::shared_ptr<const Target> load_target() { return std::atomic_load(&target_slot()); }

constexpr std::array<std::string_view, 5> kNames = {"debug", "info", "warn", "error", "off"};
constexpr std::array<std::string_view, 5> kTags = {"DEBUG ", "INFO  ", "WARN  ", "ERROR ", ""};

// Keys whose values never reach a log.
bool names_secret(std::string_view key) {
  static constexpr std::array<std::string_view, 12> kSecrets = {
      "authorization", "api_key", "apikey",     "api-key",    "password", "secret",
      "token_value",   "cookie",  "credential", "access_key", "hf_token", "bearer"};
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "token") return true;  // but not token counts such as "tokens"
  return std::any_of(kSecrets.begin(), kSecrets.end(), [&](std::string_view secret) {
    return lower.find(secret) != std::string::npos;
  });
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

// Text is quoted when it would not read as one word, so that one line stays one line.
void append_text_value(std::string& out, std::string_view text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != '"' && c != '=' && c != '\\' && c != 0x7F;
  });
  if (plain) {
    out += text;
  } else {
    append_json_string(out, text);
  }
}

struct Printer {
  Format format;
  std::string& out;

  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(std::int64_t value) const { out += fmt::format_int(value).str(); }
  void operator()(std::uint64_t value) const { out += fmt::format_int(value).str(); }
  void operator()(double value) const {
    if (format == Format::kJson && !std::isfinite(value)) {
      out += fmt::format("\"{}\"", value);
    } else {
      out += fmt::format("{}", value);
    }
  }
  void operator()(std::string_view value) const {
    std::string clean;
    if (!is_valid_utf8(value)) {
      clean = sanitize_utf8(value);
      value = clean;
    }
    if (format == Format::kJson) {
      append_json_string(out, value);
    } else {
      append_text_value(out, value);
    }
  }
};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      break;
  }
  return spdlog::level::off;
}

void write(Level level, std::string_view message, Fields fields) {
  const auto target = load_target();
  std::string line;
  if (target->format == Format::kText) {
    line = kTags[static_cast<std::size_t>(level)];
  } else {
    line = fmt::format("\"level\":\"{}\",", kNames[static_cast<std::size_t>(level)]);
  }
  line += format_fields(target->format, message, fields);
  target->logger->log(to_spdlog(level), spdlog::string_view_t(line));
}

}  // namespace

std::string format_fields(Format format, std::string_view message, Fields fields) {
  std::string out;
  const Printer print{format, out};
  if (format == Format::kJson) {
    out += "\"msg\":";
    append_json_string(out, message);
  } else {
    out += message;
  }
  for (const Field& field : fields) {
    if (format == Format::kJson) {
      out += ',';
      append_json_string(out, field.key);
      out += ':';
    } else {
      out += ' ';
      out += field.key;
      out += '=';
    }
    if (names_secret(field.key)) {
      print(std::string_view("[redacted]"));
    } else {
      std::visit(print, field.value.get());
    }
  }
  return out;
}

Result<Level> parse_level(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "trace") return Level::kDebug;
  if (lower == "warning") return Level::kWarn;
  if (lower == "critical") return Level::kError;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (lower == kNames[i]) return static_cast<Level>(i);
  }
  return invalid_argument("log level {} is not one of debug, info, warn, error, off", name);
}

Status configure(const Config& config) {
  spdlog::sink_ptr sink;
  if (config.file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    try {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.file);
    } catch (const spdlog::spdlog_ex& error) {
      return unavailable("cannot log to {}: {}", config.file, error.what());
    }
  }
  std::atomic_store(&target_slot(), make_target(config.format, std::move(sink)));
  set_level(config.level);
  return {};
}

void set_level(Level level) { current_level.store(level, std::memory_order_relaxed); }
Level level() { return current_level.load(std::memory_order_relaxed); }
bool enabled(Level level) { return level >= current_level.load(std::memory_order_relaxed); }

void debug(std::string_view message, Fields fields) {
  if (enabled(Level::kDebug)) write(Level::kDebug, message, fields);
}
void info(std::string_view message, Fields fields) {
  if (enabled(Level::kInfo)) write(Level::kInfo, message, fields);
}
void warn(std::string_view message, Fields fields) {
  if (enabled(Level::kWarn)) write(Level::kWarn, message, fields);
}
void error(std::string_view message, Fields fields) {
  if (enabled(Level::kError)) write(Level::kError, message, fields);
}

}  // namespace nacelle::telemetry::log
