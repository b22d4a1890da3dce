#include "provider/anthropic/relay_codec.h"

#include <algorithm>
#include <array>

#include "net/sse/event_writer.h"
#include "provider/anthropic/chat_codec.h"
#include "provider/anthropic/request_from_chat.h"

namespace nacelle::provider::anthropic {

namespace {

using json::Json;

constexpr std::array<std::string_view, 12> kAwsBetas{
    "computer-use-2025-01-24",
    "token-efficient-tools-2025-02-19",
    "interleaved-thinking-2025-05-14",
    "output-128k-2025-02-19",
    "dev-full-thinking-2025-05-14",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "effort-2025-11-24",
    "tool-search-tool-2025-10-19",
    "tool-examples-2025-10-29",
    "fine-grained-tool-streaming-2025-05-14",
    "compact-2026-01-12",
};

}  // namespace

Json aws_betas(std::string_view header) {
  Json out = Json::array();
  while (!header.empty()) {
    const std::size_t comma = header.find(',');
    std::string_view name = header.substr(0, comma);
    header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name == "advanced-tool-use-2025-11-20") name = "tool-search-tool-2025-10-19";
    const bool known = std::find(kAwsBetas.begin(), kAwsBetas.end(), name) != kAwsBetas.end();
    if (known && std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  }
  return out;
}

RelayCodec::RelayCodec(Backend backend, Context context)
    : backend_(std::move(backend)), context_(std::move(context)) {}

Result<Json> RelayCodec::request(const Json& body, const RequestFacts& facts) {
  Json out = body;
  address_body(out, facts, backend_);
  if (backend_.schema == Schema::kAwsAnthropic) {
    Json betas = aws_betas(context_.anthropic_beta);
    if (!betas.empty()) out["anthropic_beta"] = std::move(betas);
  }
  return out;
}

void RelayCodec::rename_model(Json& message) {
  if (std::string model = json::string_member(message, "model"); !model.empty()) {
    response_model_ = std::move(model);
  }
  if (!context_.client_model.empty()) message["model"] = context_.client_model;
}

Result<Json> RelayCodec::answer(const Json& upstream) {
  Json out = upstream;
  if (const Json* usage = json::object_member(out, "usage")) merge_usage(*usage, usage_);
  rename_model(out);
  return out;
}

Status RelayCodec::event(std::string_view, std::string_view data, std::string& out) {
  ASSIGN_OR_RETURN(Json event, json::parse_object(data));
  const std::string type = json::string_member(event, "type");
  if (const Json* usage = json::object_member(event, "usage")) merge_usage(*usage, usage_);
  if (type == "message_start" && json::object_member(event, "message") != nullptr) {
    Json& message = event["message"];
    if (const Json* usage = json::object_member(message, "usage")) merge_usage(*usage, usage_);
    rename_model(message);
  }
  finished_ = finished_ || type == "message_stop" || type == "error";
  net::sse::append_event(out, type, json::dump(event));
  return {};
}

Status RelayCodec::end(std::string&) {
  return finished_ ? Status() : data_loss("the backend's stream ended before message_stop");
}

}  // namespace nacelle::provider::anthropic
