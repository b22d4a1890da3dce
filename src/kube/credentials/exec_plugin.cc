#include "kube/credentials/exec_plugin.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "base/base64.h"
#include "base/check.h"
#include "base/file.h"
#include "kube/credentials/exec_command.h"
#include "kube/object.h"
#include "telemetry/log.h"

namespace nacelle::kube {
namespace {

constexpr std::size_t kMaxCaBytes = std::size_t{1} << 20;

std::string trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin));
}

std::string how_it_ended(const ExecOutcome& outcome) {
  std::string out = outcome.signal != 0 ? fmt::format("ended by signal {}", outcome.signal)
                                        : fmt::format("exit code {}", outcome.exit_code);
  if (const std::string why = trimmed(outcome.complaint); !why.empty()) out += ": " + why;
  return out;
}

}  // namespace

Result<ExecCredential> parse_exec_credential(std::string_view output,
                                             std::string_view api_version) {
  const Json parsed = Json::parse(output, nullptr, false);
  if (text_at(parsed, {"kind"}) != "ExecCredential") {
    return invalid_argument("its {} bytes of output are no ExecCredential", output.size());
  }
  if (const std::string_view version = text_at(parsed, {"apiVersion"}); version != api_version) {
    return invalid_argument("it answers in apiVersion '{}', the configuration says '{}'", version,
                            api_version);
  }
  ExecCredential out;
  out.token = text_at(parsed, {"status", "token"});
  out.certificate = text_at(parsed, {"status", "clientCertificateData"});
  out.key = text_at(parsed, {"status", "clientKeyData"});
  if (out.certificate.empty() != out.key.empty()) {
    return invalid_argument("clientCertificateData and clientKeyData go together");
  }
  if (out.token.empty() && out.certificate.empty()) {
    return invalid_argument("it gives neither a token nor a certificate");
  }
  const std::string_view expires = text_at(parsed, {"status", "expirationTimestamp"});
  if (!expires.empty()) {
    out.expires = parse_time(expires);
    if (!out.expires) return invalid_argument("expirationTimestamp '{}' is no time", expires);
  }
  return out;
}

std::string exec_info(const ClientConfig& config) {
  const ExecConfig& exec = *config.exec;
  Json info{{"kind", "ExecCredential"},
            {"apiVersion", exec.api_version},
            {"spec", {{"interactive", false}}}};
  // A kubeconfig may hold bytes that are no UTF-8.
  constexpr auto kReplace = Json::error_handler_t::replace;
  if (!exec.provide_cluster_info) return info.dump(-1, ' ', false, kReplace);
  const net::TlsClientConfig& tls = config.tls_config;
  Json cluster{{"server", config.server}};
  std::string ca = tls.ca.text;
  if (ca.empty() && !tls.ca.file.empty()) {
    if (auto text = read_file(tls.ca.file, kMaxCaBytes); text.ok()) ca = std::move(*text);
  }
  if (!ca.empty()) cluster["certificate-authority-data"] = encode_base64(ca);
  if (!tls.server_name.empty()) cluster["tls-server-name"] = tls.server_name;
  if (!tls.verify) cluster["insecure-skip-tls-verify"] = true;
  if (!exec.cluster_config.is_null()) cluster["config"] = exec.cluster_config;
  info["spec"]["cluster"] = std::move(cluster);
  return info.dump(-1, ' ', false, kReplace);
}

ExecPlugin::ExecPlugin(async::Loop& loop, const ClientConfig& config)
    : config_(*config.exec),
      info_(exec_info(config)),
      loop_(loop),
      done_(loop),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  CHECK(stop_ >= 0);
}

ExecPlugin::~ExecPlugin() {
  alive_.reset();
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_, &one, sizeof one);
  if (thread_.joinable()) thread_.join();
  ::close(stop_);
}

Result<ExecCredential> ExecPlugin::run() const {
  ExecCommand command;
  command.argv.push_back(config_.command);
  command.argv.insert(command.argv.end(), config_.args.begin(), config_.args.end());
  command.environment = config_.environment;
  command.environment.emplace_back("KUBERNETES_EXEC_INFO", info_);
  auto outcome = run_command(command, kPatience, stop_);
  if (!outcome.ok()) {
    const Status& why = outcome.error();
    if (why.code() == Code::kNotFound && !config_.install_hint.empty()) {
      return not_found("{}. {}", why.message(), trimmed(config_.install_hint));
    }
    return why;
  }
  if (outcome->exit_code != 0 || outcome->signal != 0) {
    return unauthenticated("{}: {}", config_.command, how_it_ended(*outcome));
  }
  auto read = parse_exec_credential(outcome->output, config_.api_version);
  if (!read.ok()) return read.error().with_context(config_.command);
  return read;
}

void ExecPlugin::start() {
  ++started_;
  if (thread_.joinable()) thread_.join();  // of the run before, which posted its end already
  thread_ = std::thread([this, alive = std::weak_ptr<char>(alive_)] {
    auto result = run();
    loop_.post([this, alive, result = std::move(result)]() mutable {
      if (alive.lock() != nullptr) ended(std::move(result));
    });
  });
}

void ExecPlugin::ended(Result<ExecCredential> result) {
  finished_ = started_;
  if (result.ok()) {
    failure_ = {};
    current_ = std::make_shared<const ExecCredential>(std::move(*result));
  } else {
    failure_ = unauthenticated("the exec plugin gives no credential: {}", result.error().message());
    current_ = nullptr;
  }
  done_.pulse();
}

async::Task<Result<ExecPlugin::Credential>> ExecPlugin::get() {
  const bool usable =
      current_ != nullptr && (!current_->expires || wall_now() < *current_->expires);
  if (usable) co_return current_;
  if (started_ == finished_) start();
  const std::uint64_t run = started_;
  while (finished_ < run) {
    const Status waited = co_await done_.wait();
    if (!waited.ok()) co_return waited;
  }
  // A credential that is born expired is used once and asked for again by the next call.
  if (current_ != nullptr) co_return current_;
  co_return failure_.ok() ? unauthenticated("the credential was refused meanwhile") : failure_;
}

void ExecPlugin::refused(const Credential& credential) {
  if (credential == current_) current_ = nullptr;
}

}  // namespace nacelle::kube
