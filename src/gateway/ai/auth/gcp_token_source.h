// gcp_token_source.h: keeps one service account's access token fresh.
//
//   source.refresh(now, exchange);          // now and then, on a thread that may wait
//   credential.key = source.current()->text;
//
// A token is renewed five minutes before it ends. When the exchange fails the old token stays in
// use until its end; after that current() is empty and requests get 401.
//
// Home:    current() any thread; refresh() one thread.
// Errors:  refresh() says why no new token came.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "gateway/ai/auth/gcp_token.h"

namespace nacelle::gateway::ai {

class GcpTokenSource {
 public:
  // Sends the request and gives the answer's body; the one place with a network.
  using Exchange = std::function<Result<std::string>(const TokenRequest&)>;

  explicit GcpTokenSource(ServiceAccount account) : account_(std::move(account)) {}

  [[nodiscard]] Status refresh(WallTime now, const Exchange& exchange);

  // Never null; the text is empty before the first exchange.
  [[nodiscard]] std::shared_ptr<const Token> current() const {
    const std::lock_guard lock(mutex_);
    return token_;
  }

 private:
  void replace(std::shared_ptr<const Token> token) {
    const std::lock_guard lock(mutex_);
    token_ = std::move(token);
  }

  const ServiceAccount account_;
  mutable std::mutex mutex_;  // guards token_ only
  std::shared_ptr<const Token> token_ = std::make_shared<const Token>();
};

}  // namespace nacelle::gateway::ai
