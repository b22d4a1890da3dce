#include "provider/chained_translator.h"

#include "provider/client_error.h"

namespace nacelle::provider {

ChainedTranslator::ChainedTranslator(std::unique_ptr<Translator> outer,
                                     std::unique_ptr<Translator> inner, Dialect dialect,
                                     Schema schema, std::size_t max_answer_bytes)
    : outer_(std::move(outer)),
      inner_(std::move(inner)),
      dialect_(dialect),
      schema_(schema),
      max_answer_bytes_(max_answer_bytes) {}

Result<UpstreamRequest> ChainedTranslator::request(std::string_view body) {
  ASSIGN_OR_RETURN(const UpstreamRequest between, outer_->request(body));
  return inner_->request(between.body);
}

ResponsePlan ChainedTranslator::response_head(const UpstreamHead& head) {
  status_ = head.status;
  error_type_ = std::string(head.amzn_error_type);
  failed_ = head.status < 200 || head.status >= 300;
  const ResponsePlan between = inner_->response_head(head);
  return outer_->response_head({.status = between.status, .content_type = between.content_type});
}

Status ChainedTranslator::chunk(std::string_view piece, std::string& out) {
  if (failed_) {
    if (held_.size() + piece.size() > max_answer_bytes_) {
      return out_of_range("the backend's answer is larger than {} bytes", max_answer_bytes_);
    }
    held_.append(piece);
    return {};
  }
  std::string between;
  const Status status = inner_->chunk(piece, between);
  // What was understood before the failure still reaches the client.
  if (!between.empty()) RETURN_IF_ERROR(outer_->chunk(between, out));
  return status;
}

Status ChainedTranslator::end(std::string& out) {
  if (failed_) {
    out += translate_error(dialect_, schema_, status_, held_, error_type_);
    return {};
  }
  std::string between;
  const Status status = inner_->end(between);
  if (!between.empty()) RETURN_IF_ERROR(outer_->chunk(between, out));
  RETURN_IF_ERROR(status);
  return outer_->end(out);
}

}  // namespace nacelle::provider
