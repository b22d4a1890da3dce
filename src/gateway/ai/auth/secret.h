// secret.h: a value that must not be printed.
//
// fmt, streams and logs show [REDACTED]; only reveal() gives the text, so that a search for it
// lists every place where a secret leaves. The bytes are cleared when the object goes.
#pragma once

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace nacelle::gateway::ai {

inline constexpr std::string_view kRedacted = "[REDACTED]";

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.clear(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      clear();
      text_ = other.text_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      clear();
      text_ = std::move(other.text_);
      other.clear();
    }
    return *this;
  }
  ~Secret() { clear(); }

  [[nodiscard]] const std::string& reveal() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }

  // In constant time for secrets of one length.
  friend bool operator==(const Secret& a, const Secret& b) {
    return a.text_.size() == b.text_.size() &&
           CRYPTO_memcmp(a.text_.data(), b.text_.data(), a.text_.size()) == 0;
  }
  friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << kRedacted; }

 private:
  void clear() {
    if (!text_.empty()) OPENSSL_cleanse(text_.data(), text_.size());
    text_.clear();
  }

  std::string text_;
};

}  // namespace nacelle::gateway::ai

template <>
struct fmt::formatter<nacelle::gateway::ai::Secret> : fmt::formatter<std::string_view> {
  template <class FormatContext>
  auto format(const nacelle::gateway::ai::Secret&, FormatContext& context) const {
    return fmt::formatter<std::string_view>::format(nacelle::gateway::ai::kRedacted, context);
  }
};
