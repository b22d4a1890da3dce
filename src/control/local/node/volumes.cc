#include "control/local/node/volumes.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/file.h"
#include "control/core/pod/time_text.h"

namespace nacelle::control::node {
namespace {

namespace fs = std::filesystem;

Status failed(const fs::path& path, const std::error_code& error) {
  return failed_precondition("{}: {}", path.string(), error.message());
}

Status make_folder(const fs::path& path, mode_t mode) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return failed(path, error);
  ::chmod(path.c_str(), mode);
  return {};
}

// Files of one config map or secret.
Status add_config(const pod::PodSpec& spec, const pod::ConfigVolume& volume, int default_mode,
                  const NodeInputs& inputs, std::map<std::string, VolumeFile>& out) {
  const auto data = inputs.config(volume.kind, spec.name_space, volume.name);
  if (data == nullptr) {
    if (volume.optional) return {};
    return failed_precondition("{} \"{}\" not found", to_string(volume.kind), volume.name);
  }
  if (volume.items.empty()) {
    for (const auto& [key, value] : *data) out[key] = {key, value, default_mode};
    return {};
  }
  for (const pod::KeyToPath& item : volume.items) {
    const auto found = data->find(item.key);
    if (found == data->end()) {
      if (volume.optional) continue;
      return failed_precondition("{} \"{}\" has no key \"{}\"", to_string(volume.kind), volume.name,
                                 item.key);
    }
    out[item.path] = {item.path, found->second, item.mode.value_or(default_mode)};
  }
  return {};
}

Status add_downward(const pod::PodSpec& spec, const pod::DownwardVolume& volume, int default_mode,
                    const pod::PodPlace& place, std::map<std::string, VolumeFile>& out) {
  for (const pod::DownwardFile& file : volume.files) {
    const auto* field = std::get_if<pod::FieldRef>(&file.source);
    Result<std::string> value =
        field != nullptr
            ? field_value(spec, place, field->path)
            : resource_value(spec, place, nullptr, std::get<pod::ResourceRef>(file.source));
    if (!value.ok()) return value.error();
    out[file.path] = {file.path, std::move(*value), file.mode.value_or(default_mode)};
  }
  return {};
}

// "..2026_11_21_01_21_47.083338123", as kubelet names the folders behind ..data.
std::string folder_name() {
  std::string text = pod::to_rfc3339_nano(std::chrono::system_clock::now());
  for (char& c : text) {
    if (c == '-' || c == 'T' || c == ':') c = '_';
  }
  text.pop_back();
  return ".." + text;
}

// The files that ..data points to, as volume_files() would give them.
std::vector<VolumeFile> files_in(const fs::path& data) {
  std::vector<VolumeFile> out;
  std::error_code error;
  for (fs::recursive_directory_iterator it(data, error), end; !error && it != end;
       it.increment(error)) {
    if (!it->is_regular_file(error)) continue;
    Result<std::string> content = read_file(it->path());
    struct stat info {};
    if (!content.ok() || ::stat(it->path().c_str(), &info) != 0) continue;
    out.push_back({fs::relative(it->path(), data, error).string(), std::move(*content),
                   static_cast<int>(info.st_mode & 0777)});
  }
  std::sort(out.begin(), out.end(),
            [](const VolumeFile& a, const VolumeFile& b) { return a.path < b.path; });
  return out;
}

Status write_one(const fs::path& path, const VolumeFile& file) {
  RETURN_IF_ERROR(make_folder(path.parent_path(), 0755));
  RETURN_IF_ERROR(write_file_atomically(path, file.content));
  if (::chmod(path.c_str(), static_cast<mode_t>(file.mode)) != 0) {
    return unavailable("{}: {}", path.string(), std::strerror(errno));
  }
  return {};
}

// The links at the top: one per first part of a path, into ..data.
Status link_names(const fs::path& folder, const std::vector<VolumeFile>& files) {
  std::set<std::string> wanted;
  for (const VolumeFile& file : files) wanted.insert(file.path.substr(0, file.path.find('/')));
  std::error_code error;
  for (const std::string& name : wanted) {
    if (fs::is_symlink(folder / name, error)) continue;
    fs::create_symlink(fs::path("..data") / name, folder / name, error);
    if (error) return failed(folder / name, error);
  }
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("..") && !wanted.contains(name)) fs::remove(entry.path(), error);
  }
  return {};
}

Status check_host_path(const pod::HostPathVolume& volume) {
  std::error_code error;
  const fs::path path = volume.path;
  const bool exists = fs::exists(path, error);
  if (volume.type == "DirectoryOrCreate") {
    return exists ? Status() : make_folder(path, 0755);
  }
  if (volume.type == "FileOrCreate") {
    return exists ? Status() : write_one(path, {"", "", 0644});
  }
  if (!exists) {
    // Kubernetes makes a folder for the type ""; a typing error would then look like an empty
    // volume.
    return failed_precondition("hostPath {} does not exist", volume.path);
  }
  if (volume.type == "Directory" && !fs::is_directory(path, error)) {
    return failed_precondition("hostPath {} is not a directory", volume.path);
  }
  if (volume.type == "File" && !fs::is_regular_file(path, error)) {
    return failed_precondition("hostPath {} is not a file", volume.path);
  }
  return {};
}

fs::path memory_folder(const pod::PodSpec& spec, const std::string& name) {
  return fs::path("/dev/shm") / fmt::format("nacelle-{}-{}", spec.uid, name);
}

Result<fs::path> make_volume(const pod::PodSpec& spec, const pod::Volume& volume,
                             const pod::PodPlace& place, const NodeInputs& inputs,
                             const fs::path& pod_folder) {
  const fs::path folder = pod_folder / "volumes" / volume.name;
  if (const auto* empty = std::get_if<pod::EmptyDirVolume>(&volume.source)) {
    std::error_code error;
    const bool memory = empty->memory && fs::is_directory("/dev/shm", error);
    const fs::path path = memory ? memory_folder(spec, volume.name) : folder;
    RETURN_IF_ERROR(make_folder(path, 0777));
    return path;
  }
  if (const auto* host = std::get_if<pod::HostPathVolume>(&volume.source)) {
    RETURN_IF_ERROR(check_host_path(*host));
    return fs::path(host->path);
  }
  if (const auto* claim = std::get_if<pod::ClaimVolume>(&volume.source)) {
    return inputs.claim_folder(spec.name_space, claim->claim);
  }
  if (const auto* files = std::get_if<pod::FilesVolume>(&volume.source)) {
    ASSIGN_OR_RETURN(const std::vector<VolumeFile> content,
                     volume_files(spec, *files, place, inputs));
    RETURN_IF_ERROR(make_folder(folder, 0755));
    RETURN_IF_ERROR(write_volume_files(folder, content));
    return folder;
  }
  const auto& other = std::get<pod::UnsupportedVolume>(volume.source);
  return unimplemented("volumes of kind {} do not exist on this node", other.kind);
}

}  // namespace

Result<std::vector<VolumeFile>> volume_files(const pod::PodSpec& spec,
                                             const pod::FilesVolume& volume,
                                             const pod::PodPlace& place, const NodeInputs& inputs) {
  std::map<std::string, VolumeFile> files;
  for (const pod::FilesVolume::Source& source : volume.sources) {
    if (const auto* config = std::get_if<pod::ConfigVolume>(&source)) {
      RETURN_IF_ERROR(add_config(spec, *config, volume.default_mode, inputs, files));
    } else if (const auto* downward = std::get_if<pod::DownwardVolume>(&source)) {
      RETURN_IF_ERROR(add_downward(spec, *downward, volume.default_mode, place, files));
    } else {
      const auto& token = std::get<pod::TokenVolume>(source);
      ASSIGN_OR_RETURN(std::string text, inputs.service_token(spec, token));
      files[token.path] = {token.path, std::move(text), volume.default_mode};
    }
  }
  std::vector<VolumeFile> out;
  for (auto& [path, file] : files) out.push_back(std::move(file));
  return out;
}

Status write_volume_files(const fs::path& folder, const std::vector<VolumeFile>& files) {
  const fs::path link = folder / "..data";
  std::error_code error;
  const fs::path before = fs::read_symlink(link, error);
  if (!error && files_in(folder / before) == files) return link_names(folder, files);

  const std::string name = folder_name();
  RETURN_IF_ERROR(make_folder(folder / name, 0755));
  for (const VolumeFile& file : files) RETURN_IF_ERROR(write_one(folder / name / file.path, file));
  const fs::path fresh = folder / "..data_tmp";
  fs::remove(fresh, error);
  fs::create_directory_symlink(name, fresh, error);
  if (error) return failed(fresh, error);
  fs::rename(fresh, link, error);
  if (error) return failed(link, error);
  RETURN_IF_ERROR(link_names(folder, files));
  if (!before.empty() && before.string().starts_with("..")) fs::remove_all(folder / before, error);
  return {};
}

Result<VolumePaths> make_volumes(const pod::PodSpec& spec, const pod::PodPlace& place,
                                 const NodeInputs& inputs, const fs::path& pod_folder) {
  VolumePaths out;
  for (const pod::Volume& volume : spec.volumes) {
    Result<fs::path> path = make_volume(spec, volume, place, inputs, pod_folder);
    if (!path.ok()) return path.error().with_context(fmt::format("volume {}", volume.name));
    out[volume.name] = std::move(*path);
  }
  return out;
}

Status refresh_volumes(const pod::PodSpec& spec, const pod::PodPlace& place,
                       const NodeInputs& inputs, const fs::path& pod_folder) {
  for (const pod::Volume& volume : spec.volumes) {
    const auto* files = std::get_if<pod::FilesVolume>(&volume.source);
    if (files == nullptr) continue;
    Result<std::vector<VolumeFile>> content = volume_files(spec, *files, place, inputs);
    // An object that is gone for the moment leaves its last files.
    if (!content.ok()) continue;
    RETURN_IF_ERROR(write_volume_files(pod_folder / "volumes" / volume.name, *content));
  }
  return {};
}

void remove_volumes(const pod::PodSpec& spec, const fs::path& pod_folder) {
  std::error_code error;
  fs::remove_all(pod_folder / "volumes", error);
  for (const pod::Volume& volume : spec.volumes) {
    const auto* empty = std::get_if<pod::EmptyDirVolume>(&volume.source);
    if (empty != nullptr && empty->memory) fs::remove_all(memory_folder(spec, volume.name), error);
  }
}

}  // namespace nacelle::control::node
