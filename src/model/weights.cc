#include "model/weights.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "model/field_reader.h"
#include "tensor/convert.h"

namespace nacelle::model {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxIndexBytes = std::size_t{256} << 20;
constexpr std::size_t kConvertGrain = 1u << 18;  // elements of one task at least
constexpr const char* kIndexName = "model.safetensors.index.json";
constexpr const char* kSingleName = "model.safetensors";

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// Where the tensors are: the files in a stated order, and the index's promise when there is one.
struct Checkpoint {
  std::vector<fs::path> files;
  fs::path index;                               // "" without an index
  std::map<std::string, std::string> shard_of;  // tensor name -> file name, from the index
};

Result<Checkpoint> read_index(const fs::path& folder) {
  Checkpoint checkpoint;
  checkpoint.index = folder / kIndexName;
  const std::string source = checkpoint.index.string();
  ASSIGN_OR_RETURN(const std::string text, read_file(checkpoint.index, kMaxIndexBytes));
  ASSIGN_OR_RETURN(const nlohmann::json object, parse_json_object(text, source));
  const auto map = object.find("weight_map");
  if (map == object.end() || !map->is_object()) {
    return invalid_argument("{}: weight_map is missing or not an object", source);
  }
  std::set<std::string> names;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string()) {
      return invalid_argument("{}: weight_map: the file of {} is not a string", source,
                              tensor.substr(0, 120));
    }
    const auto name = file.get<std::string>();
    // A shard lies beside its index. Anything else would let a download name files of the machine.
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
        name.find('\0') != std::string::npos) {
      return invalid_argument("{}: weight_map: \"{}\" is not a plain file name", source,
                              name.substr(0, 120));
    }
    names.insert(name);
    checkpoint.shard_of.emplace(tensor, name);
  }
  for (const std::string& name : names) {
    if (!is_there(folder / name)) {
      return not_found("shard {} is missing; {} names {} shards", (folder / name).string(), source,
                       names.size());
    }
    checkpoint.files.push_back(folder / name);
  }
  return checkpoint;
}

Result<Checkpoint> find_files(const fs::path& folder) {
  if (is_there(folder / kIndexName)) return read_index(folder);
  Checkpoint checkpoint;
  if (is_there(folder / kSingleName)) {
    checkpoint.files.push_back(folder / kSingleName);
    return checkpoint;
  }
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.ends_with(".safetensors") && !name.starts_with("consolidated")) {
      checkpoint.files.push_back(it->path());
    }
  }
  if (checkpoint.files.empty()) {
    return not_found("no weights in {}: looked for {}, {} and *.safetensors", folder.string(),
                     kIndexName, kSingleName);
  }
  std::sort(checkpoint.files.begin(), checkpoint.files.end());
  return checkpoint;
}

class FileWeights : public WeightStore {
 public:
  FileWeights(fs::path folder, kernels::WorkerPool& pool)
      : folder_(std::move(folder)), pool_(pool) {}

  Status open_all(const Checkpoint& checkpoint) {
    files_.reserve(checkpoint.files.size());  // Place points at elements
    for (const fs::path& path : checkpoint.files) {
      ASSIGN_OR_RETURN(SafetensorsFile file, SafetensorsFile::open(path));
      files_.push_back(std::move(file));
      for (const TensorInfo& tensor : files_.back().tensors()) {
        const auto [it, is_new] = places_.try_emplace(tensor.name, Place{&files_.back(), &tensor});
        if (!is_new) {
          return data_loss("tensor {} is in both {} and {}", tensor.name.substr(0, 120),
                           it->second.file->path().string(), path.string());
        }
      }
    }
    for (const auto& [tensor, shard] : checkpoint.shard_of) {
      const auto found = places_.find(tensor);
      if (found == places_.end() || found->second.file->path().filename() != shard) {
        return data_loss("{} says that tensor {} is in {}, which does not have it",
                         checkpoint.index.string(), tensor.substr(0, 120), shard);
      }
    }
    return {};
  }

  Result<Weight> fetch(std::string_view name, const Shape& shape, DType dtype) override {
    ASSIGN_OR_RETURN(const Place place, find(name));
    const auto [file, tensor] = place;
    const std::string where = file->path().string();
    if (tensor->dtype != DType::kF32 && tensor->dtype != DType::kBF16 &&
        tensor->dtype != DType::kF16) {
      return invalid_argument("{}: tensor {} has dtype {}, accepted: F32, BF16, F16", where, name,
                              safetensors_name(tensor->dtype));
    }
    if (tensor->shape != shape) {
      return invalid_argument("{}: tensor {} has shape {}, config.json implies {}", where, name,
                              tensor->shape.to_string(), shape.to_string());
    }
    used_.insert(tensor);
    return make_weight(*file, *tensor, dtype);
  }

  Result<Weight> fetch_stored(std::string_view name) override {
    ASSIGN_OR_RETURN(const Place place, find(name));
    used_.insert(place.tensor);
    return make_weight(*place.file, *place.tensor, place.tensor->dtype);
  }

  std::string place_of(std::string_view name) const override {
    const auto found = places_.find(name);
    return (found == places_.end() ? folder_ : found->second.file->path()).string();
  }

  std::optional<DType> stored_dtype(std::string_view name) const override {
    const auto found = places_.find(name);
    if (found == places_.end()) return std::nullopt;
    return found->second.tensor->dtype;
  }

  std::vector<CheckpointFile> files() const override {
    std::vector<CheckpointFile> out;
    for (const SafetensorsFile& file : files_) out.push_back({file.path(), file.identity()});
    return out;
  }

  std::size_t num_unused() const override { return places_.size() - used_.size(); }

 private:
  struct Place {
    const SafetensorsFile* file = nullptr;
    const TensorInfo* tensor = nullptr;
  };

  Result<Place> find(std::string_view name) const {
    const auto found = places_.find(name);
    if (found != places_.end()) return found->second;
    return not_found("tensor {} is missing: config.json asks for it, {} of {} do not have it", name,
                     files_.size() == 1 ? "the file" : fmt::format("the {} files", files_.size()),
                     folder_.string());
  }

  Result<Weight> make_weight(const SafetensorsFile& file, const TensorInfo& tensor, DType dtype) {
    const std::span<const std::byte> bytes = file.bytes(tensor);
    const std::size_t element = size_of(tensor.dtype);
    const bool aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % element == 0;
    file.prefetch(tensor);
    if (tensor.dtype == dtype && aligned) {
      return Weight(TensorView(bytes.data(), dtype, tensor.shape), &file, &tensor);
    }
    const std::size_t count = tensor.shape.num_elements();
    ASSIGN_OR_RETURN(Buffer buffer, staging(count * size_of(dtype)));
    std::byte* const target = buffer.data();
    if (tensor.dtype == dtype) {
      std::copy(bytes.begin(), bytes.end(), target);
      file.drop_pages(tensor);
      return Weight(TensorView(target, dtype, tensor.shape), std::move(buffer));
    }
    const std::byte* source = bytes.data();
    Buffer realigned;
    if (!aligned) {
      ASSIGN_OR_RETURN(realigned, Buffer::allocate(bytes.size()));
      std::copy(bytes.begin(), bytes.end(), realigned.data());
      source = realigned.data();
    }
    // Both dtypes are of the list that convert() takes, so the pieces cannot fail.
    pool_.run_ranges(count, kConvertGrain, [&](std::size_t begin, std::size_t end) {
      CHECK(convert(tensor.dtype, source + begin * element, dtype, target + begin * size_of(dtype),
                    end - begin)
                .ok());
    });
    file.drop_pages(tensor);
    const TensorView view(target, dtype, tensor.shape);
    return Weight(view, std::move(buffer));
  }

  fs::path folder_;
  kernels::WorkerPool& pool_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, Place, std::less<>> places_;
  std::set<const TensorInfo*> used_;
};

}  // namespace

Weight::Weight(Weight&& other) noexcept
    : view_(other.view_),
      owned_(std::move(other.owned_)),
      file_(std::exchange(other.file_, nullptr)),
      tensor_(std::exchange(other.tensor_, nullptr)) {}

Weight& Weight::operator=(Weight&& other) noexcept {
  std::swap(view_, other.view_);
  std::swap(owned_, other.owned_);
  std::swap(file_, other.file_);
  std::swap(tensor_, other.tensor_);
  return *this;
}

void Weight::drop_pages() const {
  if (file_ != nullptr) file_->drop_pages(*tensor_);
}

void WeightStore::recycle(Weight weight) {
  if (weight.owned_.size() > 0) spare_.push_back(std::move(weight.owned_));
}

Result<Buffer> WeightStore::staging(std::size_t size_bytes) {
  // The smallest spare one that is large enough.
  auto best = spare_.end();
  for (auto it = spare_.begin(); it != spare_.end(); ++it) {
    if (it->size() < size_bytes || (best != spare_.end() && best->size() <= it->size())) continue;
    best = it;
  }
  if (best == spare_.end()) return Buffer::allocate(size_bytes);
  Buffer found = std::move(*best);
  spare_.erase(best);
  return found;
}

Result<std::unique_ptr<WeightStore>> WeightStore::open(const std::filesystem::path& folder,
                                                       kernels::WorkerPool& pool) {
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, find_files(folder));
  auto store = std::make_unique<FileWeights>(folder, pool);
  RETURN_IF_ERROR(store->open_all(checkpoint));
  return std::unique_ptr<WeightStore>(std::move(store));
}

}  // namespace nacelle::model
