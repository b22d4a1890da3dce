#include "kube/credentials/tls_files.h"

#include <sys/stat.h>

#include <utility>

#include "telemetry/log.h"

namespace nacelle::kube {

TlsFiles::TlsFiles(net::TlsClientConfig config) : given_(std::move(config)), config_(given_) {
  for (const net::PemSource* source : {&given_.ca, &given_.certificate, &given_.key}) {
    if (source->text.empty() && !source->file.empty()) files_.push_back(source->file);
  }
}

Result<std::unique_ptr<TlsFiles>> TlsFiles::create(net::TlsClientConfig config, TimePoint now) {
  std::unique_ptr<TlsFiles> out(new TlsFiles(std::move(config)));
  // Looked at before they are read: a change in between is seen by the next look.
  out->seen_ = out->look();
  out->looked_ = now;
  ASSIGN_OR_RETURN(out->context_, net::TlsClientContext::create(out->config_));
  return out;
}

std::vector<FileIdentity> TlsFiles::look() const {
  std::vector<FileIdentity> seen;
  seen.reserve(files_.size());
  for (const std::filesystem::path& file : files_) {
    struct ::stat info {};
    seen.push_back(::stat(file.c_str(), &info) == 0 ? identity_of(info) : FileIdentity());
  }
  return seen;
}

std::shared_ptr<const net::TlsClientContext> TlsFiles::context(TimePoint now) {
  if (files_.empty() || now - looked_ < kPeriod) return context_;
  looked_ = now;
  std::vector<FileIdentity> next = look();
  if (next == seen_) return context_;
  seen_ = std::move(next);
  auto loaded = net::TlsClientContext::create(config_);
  if (loaded.ok()) {
    context_ = std::move(*loaded);
    log::info("certificates towards the API server reloaded", {{"files", files_.size()}});
  } else {
    log::error("certificates towards the API server were not reloaded, the old ones stay",
               {{"why", loaded.error()}});
  }
  return context_;
}

Status TlsFiles::use_certificate(const std::string& chain_pem, const std::string& key_pem) {
  net::TlsClientConfig next = given_;
  if (!chain_pem.empty()) {
    next.certificate = {.file = {}, .text = chain_pem};
    next.key = {.file = {}, .text = key_pem};
  }
  if (next.certificate.text == config_.certificate.text && next.key.text == config_.key.text) {
    return {};
  }
  ASSIGN_OR_RETURN(context_, net::TlsClientContext::create(next));
  config_ = std::move(next);
  return {};
}

}  // namespace nacelle::kube
