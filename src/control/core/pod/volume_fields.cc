#include <utility>

#include "control/core/pod/container_fields.h"

namespace nacelle::control::pod {
namespace {

constexpr std::int64_t kMostMode = 0777;

// A path of a file in a volume: relative and without "..", so that it stays there.
std::string inner_path(const Fields& from, std::string_view name) {
  std::string path = required_text(from, name);
  bool bad = path.starts_with('/');
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (path.compare(at, end - at, "..") == 0) bad = true;
    at = end + 1;
  }
  if (path.find('\0') != std::string::npos) bad = true;
  if (bad) {
    from.complain(name, "must be a relative path without '..'");
    return "refused";
  }
  return path;
}

std::optional<int> mode_of(const Fields& from, std::string_view name) {
  if (!from.has(name)) return std::nullopt;
  return static_cast<int>(from.number(name, 0644, 0, kMostMode));
}

ConfigVolume read_config(const Fields& from, ConfigKind kind, std::string_view name_field) {
  ConfigVolume out;
  out.kind = kind;
  out.name = required_text(from, name_field);
  out.optional = from.boolean("optional");
  for (const Fields& item : from.items("items")) {
    out.items.push_back(
        {required_text(item, "key"), inner_path(item, "path"), mode_of(item, "mode")});
  }
  return out;
}

DownwardVolume read_downward(const Fields& from) {
  DownwardVolume out;
  for (const Fields& item : from.items("items")) {
    DownwardFile file;
    file.path = inner_path(item, "path");
    file.mode = mode_of(item, "mode");
    if (item.has("resourceFieldRef")) {
      file.source = read_resource_ref(item.child("resourceFieldRef"));
    } else {
      file.source = FieldRef{required_text(item.child("fieldRef"), "fieldPath")};
    }
    out.files.push_back(std::move(file));
  }
  return out;
}

FilesVolume read_projected(const Fields& from) {
  FilesVolume out;
  for (const Fields& source : from.items("sources")) {
    if (source.has("configMap")) {
      out.sources.emplace_back(
          read_config(source.child("configMap"), ConfigKind::kConfigMap, "name"));
    }
    if (source.has("secret")) {
      out.sources.emplace_back(read_config(source.child("secret"), ConfigKind::kSecret, "name"));
    }
    if (source.has("downwardAPI"))
      out.sources.emplace_back(read_downward(source.child("downwardAPI")));
    if (source.has("serviceAccountToken")) {
      const Fields token = source.child("serviceAccountToken");
      out.sources.emplace_back(
          TokenVolume{inner_path(token, "path"), token.text("audience"),
                      token.number("expirationSeconds", 3600, 600, std::int64_t{1} << 32)});
    }
  }
  return out;
}

}  // namespace

ResourceRef read_resource_ref(const Fields& from) {
  ResourceRef out;
  out.container = from.text("containerName");
  out.resource = required_text(from, "resource");
  if (const Json* divisor = from.find("divisor"); divisor != nullptr) {
    if (Result<Quantity> read = Quantity::from_json(*divisor); read.ok()) {
      out.divisor = *read;
    } else {
      from.complain("divisor", "must be a quantity");
    }
  }
  return out;
}

Volume read_volume(const Fields& from) {
  Volume out;
  out.name = required_text(from, "name");
  const auto files = [&](FilesVolume::Source source, const Fields& owner) {
    FilesVolume volume;
    volume.sources.push_back(std::move(source));
    volume.default_mode = mode_of(owner, "defaultMode").value_or(0644);
    return volume;
  };
  if (from.has("hostPath")) {
    const Fields host = from.child("hostPath");
    HostPathVolume volume{required_text(host, "path"), host.text("type")};
    if (!volume.path.starts_with('/')) host.complain("path", "must be absolute");
    out.source = std::move(volume);
  } else if (from.has("configMap")) {
    const Fields owner = from.child("configMap");
    out.source = files(read_config(owner, ConfigKind::kConfigMap, "name"), owner);
  } else if (from.has("secret")) {
    const Fields owner = from.child("secret");
    out.source = files(read_config(owner, ConfigKind::kSecret, "secretName"), owner);
  } else if (from.has("downwardAPI")) {
    const Fields owner = from.child("downwardAPI");
    out.source = files(read_downward(owner), owner);
  } else if (from.has("projected")) {
    FilesVolume volume = read_projected(from.child("projected"));
    volume.default_mode = mode_of(from.child("projected"), "defaultMode").value_or(0644);
    out.source = std::move(volume);
  } else if (from.has("persistentVolumeClaim")) {
    const Fields claim = from.child("persistentVolumeClaim");
    out.source = ClaimVolume{required_text(claim, "claimName"), claim.boolean("readOnly")};
  } else if (from.has("emptyDir")) {
    const Fields empty = from.child("emptyDir");
    EmptyDirVolume volume;
    volume.memory = empty.text("medium") == "Memory";
    if (const Json* limit = empty.find("sizeLimit"); limit != nullptr) {
      if (Result<Quantity> read = Quantity::from_json(*limit); read.ok()) {
        volume.size_limit = *read;
      } else {
        empty.complain("sizeLimit", "must be a quantity");
      }
    }
    out.source = volume;
  } else {
    for (const char* kind :
         {"nfs", "csi", "image", "ephemeral", "iscsi", "cephfs", "rbd", "fc", "glusterfs",
          "awsElasticBlockStore", "gcePersistentDisk", "azureDisk", "azureFile", "gitRepo",
          "flexVolume", "portworxVolume", "scaleIO", "storageos", "vsphereVolume"}) {
      if (from.has(kind)) out.source = UnsupportedVolume{kind};
    }
  }
  return out;
}

}  // namespace nacelle::control::pod
