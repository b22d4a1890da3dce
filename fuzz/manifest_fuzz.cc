// links: cli
// manifest_fuzz.cc: files that people write, and what is printed of their objects.
//
// Checks: every object that is read has a kind, a version and a name; what is printed as YAML is
// YAML; tables and catalogs of any JSON end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cli/kube/catalog.h"
#include "cli/kube/manifest.h"
#include "cli/kube/table_text.h"
#include "cli/kube/yaml_text.h"
#include "kube/yaml.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacelle;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto objects = cli::parse_manifest(text, "f");
  if (!objects.ok()) {
    require(!objects.error().message().empty());
    return 0;
  }
  for (const cli::ManifestObject& each : *objects) {
    require(!kube::text_at(each.object, {"kind"}).empty());
    require(!kube::key_of(each.object).name.empty());
    const std::string printed = cli::yaml_text(each.object);
    bool plain = true;
    for (const char c : printed) plain = plain && static_cast<unsigned char>(c) < 0x80;
    if (plain) {
      require(kube::json_of_yaml(printed).ok());
    }
    cli::TableText table({});
    table.add(each.object);
    (void)table.take();
    (void)cli::KindCatalog::parse({each.object}).find("pods");
  }
  return 0;
}
