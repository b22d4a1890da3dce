#include "model/packed_cache.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <system_error>

#include "model/content_hash.h"
#include "model/packed_recipe.h"

namespace nacelle::model {
namespace {

namespace fs = std::filesystem;
using Kind = PackedCacheEvent::Kind;
using Mode = PackedCacheOptions::Mode;

constexpr const char* kFolderName = ".nacelle";
constexpr const char* kLockName = "lock";
constexpr std::chrono::milliseconds kPoll{20};

// The part of a folder of caches that belongs to one model folder.
std::string folder_of_model(const fs::path& model) {
  std::error_code ignored;
  fs::path full = fs::weakly_canonical(model, ignored);
  if (full.empty()) full = model;
  if (!full.has_filename()) full = full.parent_path();  // "models/x/"
  const std::string text = full.string();
  return fmt::format("{}-{:08x}", full.filename().string(),
                     static_cast<std::uint32_t>(XXH3_64bits(text.data(), text.size())));
}

std::vector<fs::path> candidate_folders(const PackedCacheOptions& options, const fs::path& model) {
  if (options.mode == Mode::kFolder) return {options.folder / folder_of_model(model)};
  std::vector<fs::path> folders{model / kFolderName};
  if (!options.fallback.empty()) folders.push_back(options.fallback / folder_of_model(model));
  return folders;
}

std::string file_name(const PackedRecipe& recipe, kernels::Isa isa) {
  std::string name = recipe.quantization.empty() ? "" : recipe.quantization + "-";
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!plain) c = '_';
  }
  return fmt::format("{}{}-{}.packed", name, to_string(recipe.dtype), kernels::to_string(isa));
}

// The nearest folder that exists, for a question about its disk.
fs::path existing(fs::path folder) {
  std::error_code ignored;
  while (!fs::exists(folder, ignored) && folder.has_relative_path()) folder = folder.parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

std::uint64_t total_bytes(const std::vector<CheckpointFile>& files) {
  std::uint64_t bytes = 0;
  for (const CheckpointFile& file : files) bytes += file.identity.size;
  return bytes;
}

}  // namespace

std::unique_ptr<PackedCache> PackedCache::open(const PackedCacheOptions& options,
                                               const PackedRecipe& recipe, const WeightStore& store,
                                               const kernels::Context& context) {
  std::vector<CheckpointFile> sources = store.files();
  if (options.mode == Mode::kOff || sources.empty()) return nullptr;
  if (options.mode == Mode::kAuto && total_bytes(sources) < options.min_bytes) return nullptr;
  std::unique_ptr<PackedCache> cache(new PackedCache(options, recipe.dtype, context));
  cache->job_.sources = std::move(sources);
  cache->job_.recipe = recipe_number(recipe, context);
  cache->map_or_lock(candidate_folders(options, recipe.model_folder),
                     file_name(recipe, context.isa));
  return cache;
}

PackedCache::~PackedCache() = default;  // stops and joins the writer

void PackedCache::map_or_lock(const std::vector<fs::path>& folders, const std::string& name) {
  Status why_rejected;  // of the last file that is there and must not be used
  fs::path rejected;
  for (const fs::path& folder : folders) {
    const Status mapped = try_map(folder / name);
    if (mapped.ok()) return;
    if (mapped.code() == Code::kNotFound) continue;
    rejected = folder / name;
    why_rejected = mapped;
  }
  Status why_not;
  for (const fs::path& folder : folders) {
    const Status locked = lock_folder(folder, folder / name);
    if (file_ || locked.ok()) {
      if (!file_ && !rejected.empty()) report(Kind::kRejected, rejected, why_rejected.message());
      return;
    }
    if (why_not.ok()) why_not = locked;  // the first folder is the one that is meant
    if (locked.code() == Code::kDeadlineExceeded) break;
  }
  if (!rejected.empty()) report(Kind::kRejected, rejected, why_rejected.message());
  report(Kind::kSkipped, folders.front() / name, why_not.message());
}

// Ok: the lock is ours, or the file of the process that held it is mapped.
Status PackedCache::lock_folder(const fs::path& folder, const fs::path& file) {
  std::error_code error;
  const std::uint64_t needed = total_bytes(job_.sources) * (options_.mode == Mode::kAuto ? 2 : 1);
  const fs::space_info space = fs::space(existing(folder), error);
  if (!error && space.available < needed) {
    return resource_exhausted("{} has {} bytes free, {} are wanted", folder.string(),
                              space.available, needed);
  }
  fs::create_directories(folder, error);
  const auto deadline = std::chrono::steady_clock::now() + options_.max_wait;
  while (true) {
    Result<FileLock> lock = FileLock::take(folder / kLockName);
    if (lock.ok()) {
      // The one who held it may just have written the file.
      if (try_map(file).ok()) return {};
      lock_ = std::move(*lock);
      job_.file = file;
      return {};
    }
    if (lock.error().code() != Code::kUnavailable) return lock.error();
    if (std::chrono::steady_clock::now() > deadline) {
      return deadline_exceeded("another process still packs the same after {} ms",
                               options_.max_wait.count());
    }
    std::this_thread::sleep_for(kPoll);
  }
}

Status PackedCache::try_map(const fs::path& path) {
  ASSIGN_OR_RETURN(PackedFile file, PackedFile::open(path));
  if (file.header().recipe != job_.recipe) {
    return failed_precondition("it was made by another version or with another configuration");
  }
  RETURN_IF_ERROR(check_content(file));
  report(Kind::kMapped, path, "", file.header().file_bytes);
  file_ = std::move(file);
  return {};
}

Status PackedCache::check_content(const PackedFile& file) {
  const auto& sources = file.header().sources;
  const auto same = [](const PackedCacheHeader::Source& source, const CheckpointFile& now) {
    return source.name == now.path.filename().string() && source.identity == now.identity;
  };
  if (std::equal(sources.begin(), sources.end(), job_.sources.begin(), job_.sources.end(), same)) {
    return {};
  }
  if (!content_) {
    ASSIGN_OR_RETURN(content_, hash_content(job_.sources, &context_.pool));
  }
  if (*content_ != file.header().content) {
    return failed_precondition("it was made of another checkpoint");
  }
  // A copied or touched checkpoint: the next start need not read it all again. Where this cannot be
  // written down, it does.
  PackedCacheHeader header = file.header();
  header.sources = trusted_sources(job_.sources, std::chrono::system_clock::now());
  if (header.sources == sources || header.encode().size() != file.header().encode().size()) {
    return {};
  }
  const auto lock = FileLock::take(file.path().parent_path() / kLockName);
  if (!lock.ok()) return {};
  // Nobody replaces the file now; it must still be the one that was judged.
  const Result<PackedFile> again = PackedFile::open(file.path());
  if (again.ok() && again->header() == file.header()) {
    (void)PackedFile::rewrite_header(file.path(), header);
  }
  return {};
}

std::optional<kernels::PackedMatrix> PackedCache::find(std::string_view name, std::size_t n,
                                                       std::size_t k, kernels::Stacking stacking) {
  if (!file_) return std::nullopt;
  Result<kernels::PackedMatrix> matrix = file_->matrix(name, context_.pool);
  if (!matrix.ok()) {
    if (matrix.error().code() != Code::kNotFound) {
      report(Kind::kRejected, file_->path(), matrix.error().message());
    }
    return std::nullopt;
  }
  const kernels::PackedMatrix::Description& is = matrix->description();
  if (is.n != n || is.k != k || is.isa != context_.isa || is.stacking != stacking ||
      is.dtype != dtype_) {
    report(
        Kind::kRejected, file_->path(),
        fmt::format("matrix {} is {} x {}, stacked in way {}; expected are {} x {} and {}", name,
                    is.n, is.k, static_cast<int>(is.stacking), n, k, static_cast<int>(stacking)));
    return std::nullopt;
  }
  return std::move(*matrix);
}

void PackedCache::add(std::string name, const kernels::PackedMatrix& matrix) {
  if (lock_) job_.matrices.push_back({std::move(name), matrix});
}

void PackedCache::finish() {
  if (!lock_) return;
  writer_ = std::jthread([job = std::exchange(job_, {}), report = options_.report,
                          lock = std::move(*lock_)](const std::stop_token& stop) {
    // Requests come first: on Linux a priority is the thread's own.
    (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 19);
    const Result<std::uint64_t> written = write_packed_cache(job, stop);
    if (!report) return;
    if (written.ok()) {
      report({Kind::kWritten, job.file, "", *written});
    } else if (written.error().code() != Code::kCancelled) {
      report({Kind::kSkipped, job.file, written.error().message(), 0});
    }
  });
  lock_.reset();
}

void PackedCache::report(Kind kind, const fs::path& file, std::string why,
                         std::uint64_t bytes) const {
  if (options_.report) options_.report({kind, file, std::move(why), bytes});
}

}  // namespace nacelle::model
