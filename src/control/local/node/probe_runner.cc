#include "control/local/node/probe_runner.h"

#include <unistd.h>

#include "async/timer.h"
#include "control/local/child_process.h"
#include "control/local/node/container_plan.h"
#include "control/local/node/container_shim.h"
#include "control/local/node/program_search.h"
#include "net/grpc/client.h"

namespace nacelle::control::node {
namespace {

constexpr std::size_t kMaxLooked = 10 * 1024;
constexpr int kMaxRedirects = 10;
constexpr const char* kUserAgent = "kube-probe/1.36";

net::http::HttpClientConfig without_pool() {
  net::http::HttpClientConfig config;
  config.max_idle_per_endpoint = 0;  // a probe asks whether new connections are served
  return config;
}

// The path of a redirect that stays on this host; "" otherwise.
std::string same_host_path(std::string_view location, const net::HostPort& address, bool tls) {
  const std::string origin = fmt::format("{}://{}", tls ? "https" : "http", address.to_string());
  if (location.starts_with(origin)) location.remove_prefix(origin.size());
  return location.starts_with('/') && !location.starts_with("//") ? std::string(location) : "";
}

// grpc.health.v1.HealthCheckRequest{service = 1}.
std::string health_request(const std::string& service) {
  std::string out;
  if (service.empty()) return out;
  out += '\x0a';
  for (std::size_t size = service.size(); true; size >>= 7) {
    out += static_cast<char>((size & 0x7f) | (size >= 0x80 ? 0x80 : 0));
    if (size < 0x80) break;
  }
  return out + service;
}

}  // namespace

// Counts an operation for as long as its coroutine lives.
class ProbeRunner::Active {
 public:
  explicit Active(ProbeRunner& owner) : owner_(owner) { ++owner_.active_; }
  ~Active() {
    if (--owner_.active_ == 0) owner_.idle_.pulse();
  }
  Active(const Active&) = delete;
  Active& operator=(const Active&) = delete;

 private:
  ProbeRunner& owner_;
};

ProbeRunner::ProbeRunner(async::Loop& loop)
    : loop_(loop), http_(loop, without_pool()), idle_(loop) {
  net::TlsClientConfig config;
  config.verify = false;
  if (auto context = net::TlsClientContext::create(config); context.ok()) tls_ = *context;
}

async::Task<Status> ProbeRunner::run(std::shared_ptr<const ProbeJob> job) {
  const TimePoint deadline = std::chrono::steady_clock::now() + job->timeout;
  co_return co_await async::with_deadline(act(job), deadline, "the handler");
}

async::Task<void> ProbeRunner::drain() {
  while (active_ > 0) (void)co_await idle_.wait();
}

async::Task<Status> ProbeRunner::act(std::shared_ptr<const ProbeJob> job) {
  const Active active(*this);
  if (std::holds_alternative<pod::HttpGetAction>(job->handler)) co_return co_await http_get(job);
  if (std::holds_alternative<pod::TcpAction>(job->handler)) co_return co_await connect(job);
  if (std::holds_alternative<pod::GrpcAction>(job->handler)) co_return co_await check_health(job);
  if (std::holds_alternative<pod::ExecAction>(job->handler)) co_return co_await execute(job);
  if (const auto* sleep = std::get_if<pod::SleepAction>(&job->handler)) {
    co_await async::sleep_for(sleep->duration);
  }
  co_return Status();
}

async::Task<Status> ProbeRunner::http_get(std::shared_ptr<const ProbeJob> job) {
  const auto& action = std::get<pod::HttpGetAction>(job->handler);
  const Duration timeout = job->timeout;
  const Result<std::uint16_t> port = port_number(job->container, action.port);
  if (!port.ok()) co_return port.error();
  const net::HostPort address{action.host.empty() ? job->pod_ip : action.host, *port};
  std::string path = action.path;
  for (int redirects = 0; true; ++redirects) {
    net::http::RequestHead head;
    head.target = path;
    head.headers.add("User-Agent", kUserAgent);
    head.headers.add("Accept", "*/*");
    for (const auto& [name, value] : action.headers) head.headers.set(name, value);
    net::http::ClientOptions options;
    options.connect_timeout = timeout;
    options.head_timeout = timeout;
    options.read_idle_timeout = timeout;
    if (action.tls) options.tls = tls_;
    net::http::ClientExchange exchange(http_);
    const Status sent = co_await exchange.send(address, head, {}, options);
    if (!sent.ok()) {
      co_return unavailable("Get \"{}://{}{}\": {}", action.tls ? "https" : "http",
                            address.to_string(), path, sent.message());
    }
    const int status = exchange.response().status;
    if (status < 200 || status >= 400) {
      co_return unavailable("HTTP probe failed with statuscode: {}", status);
    }
    const std::string next =
        same_host_path(exchange.response().headers.get("location"), address, action.tls);
    (void)co_await exchange.read_body(kMaxLooked);
    if (status < 300 || next.empty()) co_return Status();
    if (redirects == kMaxRedirects) {
      co_return unavailable("stopped after {} redirects", kMaxRedirects);
    }
    path = next;
  }
}

async::Task<Status> ProbeRunner::connect(std::shared_ptr<const ProbeJob> job) {
  const auto& action = std::get<pod::TcpAction>(job->handler);
  const Result<std::uint16_t> port = port_number(job->container, action.port);
  if (!port.ok()) co_return port.error();
  const net::HostPort address{action.host.empty() ? job->pod_ip : action.host, *port};
  const auto endpoints = co_await net::resolve(address, TimePoint::max());
  if (!endpoints.ok()) co_return endpoints.error();
  Status result = unavailable("no address for {}", address.to_string());
  for (const net::TcpEndpoint& endpoint : *endpoints) {
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, async::Executor> socket(
        loop_.executor());
    auto [error] = co_await socket.async_connect(endpoint, async::as_tuple);
    if (!error) co_return Status();
    result = unavailable("dial tcp {}: {}", address.to_string(), error.message());
  }
  co_return result;
}

async::Task<Status> ProbeRunner::check_health(std::shared_ptr<const ProbeJob> job) {
  const auto& action = std::get<pod::GrpcAction>(job->handler);
  net::grpc::CallOptions options;
  options.timeout = job->timeout;
  options.connect_timeout = job->timeout;
  options.max_message_bytes = kMaxLooked;
  net::HostPort address{job->pod_ip, action.port};
  std::string path = "/grpc.health.v1.Health/Check";
  const Result<std::string> answer = co_await net::grpc::call_unary(
      http_, std::move(address), std::move(path), health_request(action.service), options);
  if (!answer.ok()) co_return unavailable("service unhealthy: {}", answer.error().message());
  // HealthCheckResponse{status = 1}: SERVING is 1.
  if (*answer == std::string("\x08\x01", 2)) co_return Status();
  co_return unavailable("service unhealthy (responded with \"{}\")",
                        answer->size() == 2 && (*answer)[1] == 2 ? "NOT_SERVING" : "UNKNOWN");
}

async::Task<Status> ProbeRunner::execute(std::shared_ptr<const ProbeJob> job) {
  const auto& action = std::get<pod::ExecAction>(job->handler);
  const Result<ContainerPlan> plan = ContainerPlan::read(job->plan_folder / kPlanFile);
  if (!plan.ok()) co_return plan.error();
  ChildProcess::Command command;
  command.argv = action.command;
  command.argv[0] = find_program(action.command.at(0), plan->environment);
  command.environment = plan->environment;
  command.working_dir = plan->working_dir;
  command.identity = plan->identity;
  command.cgroup = plan->cgroup;
  if (plan->mount_mode != MountMode::kTranslate) command.mounts_of = job->pid;
  Result<std::unique_ptr<ChildProcess>> child = ChildProcess::start(loop_, command);
  if (!child.ok()) co_return child.error();
  // Destroyed with the coroutine when the time is over: it is killed then.
  const std::string output = co_await (*child)->read_output(kMaxLooked);
  const ExitReason reason = co_await (*child)->wait();
  if (reason.code == 0 && reason.signal == 0) co_return Status();
  co_return unavailable("{}: {}", reason.describe(), output);
}

}  // namespace nacelle::control::node
