// credential_source.h: secrets out of files, read again when the file changes.
//
// refresh() is called now and then (once a second is plenty) by one thread; current() gives the
// latest good text to any. A file that vanishes or turns unreadable keeps the last text: a key
// rotation that is half done must not take the service down.
//
// Home:    current() any thread; refresh() one thread.
// Errors:  open() fails when the file cannot be read; refresh() says why the old text stays.
// Bounds:  64 KiB per file.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include "base/file.h"
#include "base/result.h"
#include "gateway/ai/auth/secret.h"

namespace nacelle::gateway::ai {

class CredentialSource {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 10;

  // A text that never changes: from the configuration or an environment variable.
  [[nodiscard]] static std::unique_ptr<CredentialSource> fixed(Secret text);
  [[nodiscard]] static Result<std::unique_ptr<CredentialSource>> open(std::filesystem::path path);

  [[nodiscard]] std::shared_ptr<const Secret> current() const;

  // Reads the file if it changed. True when there is a new text.
  [[nodiscard]] Result<bool> refresh();

 private:
  CredentialSource() = default;

  std::filesystem::path path_;  // "" = fixed
  FileIdentity identity_;
  mutable std::mutex mutex_;  // guards text_ only
  std::shared_ptr<const Secret> text_;
};

}  // namespace nacelle::gateway::ai
