#include "gateway/ai/auth/credential_source.h"

namespace nacelle::gateway::ai {

namespace {

// White space around a key is what editors and `echo` leave.
std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

}  // namespace

std::unique_ptr<CredentialSource> CredentialSource::fixed(Secret text) {
  std::unique_ptr<CredentialSource> out(new CredentialSource());
  out->text_ = std::make_shared<const Secret>(trimmed(text.reveal()));
  return out;
}

Result<std::unique_ptr<CredentialSource>> CredentialSource::open(std::filesystem::path path) {
  std::unique_ptr<CredentialSource> out(new CredentialSource());
  out->path_ = std::move(path);
  RETURN_IF_ERROR(out->refresh().status());
  return out;
}

std::shared_ptr<const Secret> CredentialSource::current() const {
  const std::lock_guard lock(mutex_);
  return text_;
}

Result<bool> CredentialSource::refresh() {
  if (path_.empty()) return false;
  struct ::stat info {};
  if (::stat(path_.c_str(), &info) != 0) return not_found("{} cannot be read", path_.string());
  const FileIdentity identity = identity_of(info);
  if (text_ != nullptr && identity == identity_) return false;
  ASSIGN_OR_RETURN(std::string content, read_file(path_, kMaxBytes));
  auto next = std::make_shared<const Secret>(trimmed(content));
  if (next->empty()) return invalid_argument("{} is empty", path_.string());
  identity_ = identity;
  const std::lock_guard lock(mutex_);
  text_ = std::move(next);
  return true;
}

}  // namespace nacelle::gateway::ai
