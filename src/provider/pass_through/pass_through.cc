#include "provider/pass_through/pass_through.h"

#include <utility>

#include "provider/client_error.h"
#include "provider/form_data.h"
#include "provider/pass_through/body_edit.h"

namespace nacelle::provider {

PassThrough::PassThrough(Endpoint endpoint, Backend backend, Context context)
    : endpoint_(endpoint), backend_(std::move(backend)), context_(std::move(context)) {}

Result<UpstreamRequest> PassThrough::request(std::string_view body) {
  const bool is_form = endpoint_ == Endpoint::kTranscription || endpoint_ == Endpoint::kTranslation;
  BodyFacts facts;
  std::string boundary;
  if (is_form) {
    ASSIGN_OR_RETURN(boundary, form::boundary_of(context_.content_type));
    ASSIGN_OR_RETURN(const form::Fields fields, form::read_fields(body, boundary));
    facts = {.model = fields.model, .stream = fields.stream};
  } else {
    ASSIGN_OR_RETURN(facts, read_body(body));
  }
  if (facts.model.empty()) return invalid_argument("model: expected a non-empty string");
  UpstreamRequest out;
  out.delivery = delivery_ = facts.stream ? Delivery::kStreamed : Delivery::kWhole;
  out.model = backend_.model_override.empty() ? facts.model : backend_.model_override;
  ASSIGN_OR_RETURN(out.path, path_of(endpoint_, backend_, out.model, out.delivery));
  // Compressed answers could not be read on the side.
  out.headers = {{"content-type", is_form ? context_.content_type : "application/json"},
                 {"accept-encoding", "identity"}};
  if (out.model == facts.model) {
    out.body = body;
  } else if (is_form) {
    out.body = form::replace_model(body, boundary, out.model);
  } else {
    out.body = replace_model(body, out.model);
  }
  const bool has_option =
      endpoint_ == Endpoint::kChatCompletions || endpoint_ == Endpoint::kCompletions;
  hides_usage_ = has_option && facts.stream && context_.want_usage && !facts.include_usage;
  if (hides_usage_) {
    out.body = ask_for_usage(out.body);
  }
  return out;
}

ResponsePlan PassThrough::response_head(const UpstreamHead& head) {
  status_ = head.status;
  ResponsePlan plan{.status = head.status};
  if (head.status < 200 || head.status >= 300) {
    mode_ = Mode::kError;
    plan.content_type = "application/json";
    plan.rewritten = true;
    return plan;
  }
  const bool streamed = head.content_type.starts_with("text/event-stream") ||
                        (head.content_type.empty() && delivery_ == Delivery::kStreamed);
  meter_ = UsageMeter(streamed ? AnswerForm::kStream : AnswerForm::kJson);
  plan.delivery = streamed ? Delivery::kStreamed : Delivery::kWhole;
  if (is_media(endpoint_)) {
    is_read_ = streamed || head.content_type.find("json") != std::string_view::npos;
    return plan;
  }
  plan.rewritten = !context_.client_model.empty() || (streamed && hides_usage_);
  if (plan.rewritten) mode_ = streamed ? Mode::kLines : Mode::kHeld;
  return plan;
}

Status PassThrough::hold(std::string_view piece, std::size_t limit) {
  if (held_.size() + piece.size() > limit) {
    return out_of_range("the backend's answer is larger than {} bytes", limit);
  }
  held_.append(piece);
  return {};
}

void PassThrough::relay_line(std::string_view line, std::string& out) {
  constexpr std::string_view kField = "data:";
  if (std::exchange(left_out_, false) && (line == "\n" || line == "\r\n")) return;
  if (!line.starts_with(kField)) {
    out.append(line);
    return;
  }
  const std::size_t begin = line.find('{');
  const std::size_t end = line.rfind('}');
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    out.append(line);
    return;
  }
  const std::string_view json = line.substr(begin, end + 1 - begin);
  left_out_ = hides_usage_ && is_usage_chunk(json);
  if (left_out_) return;
  out.append(line.substr(0, begin));
  out.append(context_.client_model.empty() ? std::string(json)
                                           : replace_answer_model(json, context_.client_model));
  out.append(line.substr(end + 1));
}

Status PassThrough::relay_lines(std::string_view piece, std::string& out) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    if (end == std::string_view::npos) return hold(piece, kMaxLineBytes);
    RETURN_IF_ERROR(hold(piece.substr(0, end + 1), kMaxLineBytes));
    relay_line(held_, out);
    held_.clear();
    piece.remove_prefix(end + 1);
  }
  return {};
}

Status PassThrough::chunk(std::string_view piece, std::string& out) {
  if (mode_ == Mode::kError) return hold(piece, context_.max_answer_bytes);
  if (is_read_) meter_.feed(piece);
  if (mode_ == Mode::kLines) return relay_lines(piece, out);
  if (mode_ == Mode::kHeld) return hold(piece, context_.max_answer_bytes);
  out.append(piece);
  return {};
}

Status PassThrough::end(std::string& out) {
  if (mode_ == Mode::kError) {
    out += translate_error(client_dialect(endpoint_), backend_.schema, status_, held_);
    return {};
  }
  meter_.finish();
  if (mode_ == Mode::kLines) relay_line(held_, out);
  if (mode_ == Mode::kHeld) out += replace_answer_model(held_, context_.client_model);
  held_.clear();
  return {};
}

}  // namespace nacelle::provider
