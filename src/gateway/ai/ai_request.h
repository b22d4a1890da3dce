// ai_request.h: what the AI gateway does for one request, from its key to the books.
//
//   key -> model list -> alias -> limits -> [ quota -> translate -> sign ] per attempt
//   -> answer translated back -> charge, record
//
// Each attempt starts from the client's own head and body. Requests of routes that are no
// AIGatewayRoute have keys, limits and books, too; their bytes pass.
//
// Home:    the connection's loop; the runtime and the client's head outlive it.
// Errors:  in the client's dialect: 401, 403, 404, 429 before any backend is asked; 400 and 422
//          from translation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/ai/ai_runtime.h"
#include "gateway/ai/fallback.h"
#include "gateway/extension.h"
#include "provider/translator.h"
#include "provider/usage_meter.h"

namespace nacelle::gateway::ai {

class AiRequest final : public RequestExtension {
 public:
  // Without an endpoint it is a request for the list of models.
  AiRequest(const AiRuntime& runtime, std::optional<provider::Endpoint> endpoint,
            std::string_view path);

  std::optional<LocalReply> on_head(const net::http::RequestHead& head,
                                    ExchangeRecord& record) override;
  std::optional<LocalReply> on_body(RequestFacts& facts, ExchangeRecord& record) override;
  std::optional<LocalReply> on_route(const net::http::RequestHead& head, const RuleConfig& rule,
                                     ExchangeRecord& record) override;
  [[nodiscard]] bool chooses_backends() const override { return rule_ != nullptr; }
  std::optional<NextAttempt> next_attempt(const std::vector<bool>& serving, TimePoint now,
                                          double random) override;
  std::optional<LocalReply> on_attempt(const BackendConfig& backend, net::http::RequestHead& head,
                                       std::string& body, ExchangeRecord& record) override;
  [[nodiscard]] bool may_move_on(int status) const override;
  void on_failed(const FailedAttempt& failed) override;
  Status on_resume(net::http::RequestHead& head, const std::string& body,
                   ExchangeRecord& record) override;
  AnswerPlan on_response(net::http::ResponseHead& head, ExchangeRecord& record) override;
  Result<std::string_view> on_piece(std::string_view piece, bool last,
                                    ExchangeRecord& record) override;
  [[nodiscard]] bool rewrites_request() const override { return rule_ != nullptr; }
  void on_end(ExchangeRecord& record) override;

 private:
  [[nodiscard]] provider::Dialect dialect() const;
  [[nodiscard]] LocalReply refusal(const Status& why) const;
  [[nodiscard]] LocalReply over_limit(const Refusal& refused) const;
  [[nodiscard]] LocalReply unsendable(const Status& why) const;
  [[nodiscard]] LocalReply list_models(const net::http::RequestHead& head) const;
  [[nodiscard]] LimitFacts limit_facts() const;
  [[nodiscard]] provider::Context context(bool renamed, const net::http::Headers& headers,
                                          const ExchangeRecord& record) const;
  // Path, headers and credentials of the attempt in hand.
  Status dress(net::http::RequestHead& head, std::string_view body, const ExchangeRecord& record);
  Status sign(const AiBackend& backend, net::http::RequestHead& head, std::string_view body,
              const ExchangeRecord& record) const;
  void charge(const provider::TokenUsage& usage, const ExchangeRecord& record);

  const AiRuntime& runtime_;
  const std::optional<provider::Endpoint> endpoint_;
  const std::string path_;
  const net::http::RequestHead* head_ = nullptr;  // the client's
  const ClientKey* key_ = nullptr;                // null: none is needed
  std::string client_model_;                      // as the client named it
  std::string model_;                             // its alias resolved
  const AiRule* rule_ = nullptr;                  // null: of another kind of route
  std::string route_;
  Admission admission_;
  bool admitted_ = false;
  std::vector<Attempt> attempts_;

  // Of the attempt in hand.
  std::string backend_;
  const AiBackend* chosen_ = nullptr;
  std::string upstream_path_;
  std::vector<provider::HeaderField> upstream_headers_;
  Admission quota_;
  std::unique_ptr<provider::Translator> translator_;  // null: bytes pass
  std::optional<provider::UsageMeter> meter_;         // where there is no translator
  std::string out_;
};

}  // namespace nacelle::gateway::ai
