#include "gateway/ai/auth/gcp_token_source.h"

namespace nacelle::gateway::ai {

Status GcpTokenSource::refresh(WallTime now, const Exchange& exchange) {
  const auto held = current();
  if (held->fresh(now)) return {};
  if (!held->text.empty() && now >= held->expires) replace(std::make_shared<const Token>());
  ASSIGN_OR_RETURN(const TokenRequest request, token_request(account_, now));
  ASSIGN_OR_RETURN(const std::string answer, exchange(request));
  ASSIGN_OR_RETURN(Token token, parse_token_answer(answer, now));
  replace(std::make_shared<const Token>(std::move(token)));
  return {};
}

}  // namespace nacelle::gateway::ai
