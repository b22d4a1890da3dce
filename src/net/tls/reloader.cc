#include "net/tls/reloader.h"

#include <sys/stat.h>

#include <algorithm>

#include "telemetry/log.h"

namespace nacelle::net {

namespace {

std::vector<std::filesystem::path> files_of(const TlsServerConfig& config) {
  std::vector<std::filesystem::path> files;
  const auto add = [&files](const PemSource& source) {
    if (source.text.empty() && !source.file.empty()) files.push_back(source.file);
  };
  for (const TlsCertificate& certificate : config.certificates) {
    add(certificate.chain);
    add(certificate.key);
  }
  if (config.client_verify != ClientVerify::kNone) add(config.client_ca);
  return files;
}

}  // namespace

TlsReloader::TlsReloader(TlsServerConfig config)
    : config_(std::move(config)), files_(files_of(config_)) {}

Result<std::unique_ptr<TlsReloader>> TlsReloader::create(TlsServerConfig config) {
  std::unique_ptr<TlsReloader> reloader(new TlsReloader(std::move(config)));
  // Looked at before they are read: a change in between is seen by the next check.
  reloader->seen_ = reloader->look();
  ASSIGN_OR_RETURN(reloader->source_, TlsServerSource::create(reloader->config_));
  return reloader;
}

TlsReloader::~TlsReloader() {
  {
    const std::lock_guard lock(stop_mutex_);
    stop_ = true;
  }
  stop_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::vector<FileIdentity> TlsReloader::look() const {
  std::vector<FileIdentity> seen;
  seen.reserve(files_.size());
  for (const std::filesystem::path& file : files_) {
    struct ::stat info {};
    const bool there = ::stat(file.c_str(), &info) == 0;
    seen.push_back(there ? identity_of(info) : FileIdentity());
  }
  return seen;
}

TlsReloader::Outcome TlsReloader::check() {
  const std::lock_guard lock(check_mutex_);
  std::vector<FileIdentity> now = look();
  if (now == seen_) return Outcome::kUnchanged;
  seen_ = std::move(now);
  auto loaded = TlsServerContext::create(config_);
  if (!loaded.ok()) {
    failures_.fetch_add(1);
    log::error("certificates were not reloaded, the old ones stay",
               {{"reason", loaded.error().message()}});
    return Outcome::kFailed;
  }
  source_->replace(std::move(*loaded));
  reloads_.fetch_add(1);
  log::info("certificates reloaded", {{"files", files_.size()}});
  return Outcome::kReloaded;
}

void TlsReloader::start(Duration interval) {
  if (!thread_.joinable()) thread_ = std::thread([this, interval] { watch(interval); });
}

void TlsReloader::watch(Duration interval) {
  std::unique_lock lock(stop_mutex_);
  while (!stop_changed_.wait_for(lock, interval, [this] { return stop_; })) {
    lock.unlock();
    (void)check();
    lock.lock();
  }
}

}  // namespace nacelle::net
