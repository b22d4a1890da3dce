#include "control/local/node/pod_folder.h"

#include <charconv>
#include <csignal>

#include "base/file.h"
#include "control/local/node/container_plan.h"
#include "control/local/node/container_shim.h"

namespace nacelle::control::node {
namespace {

namespace fs = std::filesystem;

// The number that a name begins with; -1 when it does not.
std::int64_t leading_number(const std::string& name) {
  std::int64_t value = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
  return error == std::errc() ? value : -1;
}

void remove_older(const fs::path& folder, std::int64_t first_kept) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::int64_t number = leading_number(entry.path().filename().string());
    if (number >= 0 && number < first_kept) fs::remove_all(entry.path(), error);
  }
}

}  // namespace

Status PodFolder::prepare_run(const std::string& name, std::uint32_t attempt,
                              std::uint32_t restarts) const {
  std::error_code error;
  remove_older(container(name), std::int64_t{attempt} - 1);
  remove_older(logs(name), std::int64_t{restarts} - 1);
  const fs::path folder = run(name, attempt);
  fs::remove_all(folder, error);
  for (const fs::path& path : {folder / "root", container(name) / "work", logs(name)}) {
    fs::create_directories(path, error);
    if (error) return unavailable("{}: {}", path.string(), error.message());
  }
  fs::permissions(container(name) / "work", fs::perms::all, error);
  RETURN_IF_ERROR(write_file_atomically(termination(name, attempt), ""));
  fs::permissions(termination(name, attempt), fs::perms(0666), error);
  return {};
}

Status PodFolder::save(const pod::Json& record) const {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) return unavailable("{}: {}", path_.string(), error.message());
  return write_file_atomically(this->record(),
                               record.dump(-1, ' ', false, pod::Json::error_handler_t::replace));
}

Result<pod::Json> PodFolder::load() const {
  ASSIGN_OR_RETURN(const std::string text, read_file(record(), 64 << 20));
  pod::Json out = pod::Json::parse(text, nullptr, false);
  if (!out.is_object()) return data_loss("{} is not a pod's record", record().string());
  return out;
}

void kill_left_over(const PodFolder& folder, const std::string& boot) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder.path() / "containers", error), end;
       !error && it != end; it.increment(error)) {
    if (it->path().filename() != kRunFile) continue;
    const Result<RunRecord> record = RunRecord::read(it->path());
    if (!record.ok() || record->boot != boot) continue;
    signal_process(record->pid, record->pid_started, SIGKILL, true);
  }
}

void PodFolder::remove() const {
  std::error_code error;
  fs::remove_all(path_, error);
}

}  // namespace nacelle::control::node
