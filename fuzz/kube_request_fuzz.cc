// links: kube
// kube_request_fuzz.cc: what clients send to the embedded API server: paths, queries, selectors,
// bodies in JSON, YAML and protobuf, continue tokens.
//
// Checks: nothing crashes; an admitted body stores the same again when it is admitted again; a path
// that is read has a resource; a continue token that is read is written back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "kube/server/body.h"
#include "kube/server/protobuf.h"
#include "kube/server/reading.h"
#include "kube/server/request.h"
#include "kube/server/selectors.h"
#include "kube/server/write_rules.h"

namespace {

using namespace nacelle::kube;

void require(bool condition) {
  if (!condition) std::abort();
}

void try_create(server::Body body, const schema::Kind& kind) {
  server::WriteContext context{.kind = &kind, .name_space = "default"};
  context.now = "2026-01-01T00:00:00Z";
  context.uid = "0";
  context.suffix = [] { return std::string("abcde"); };
  std::vector<std::string> warnings;
  auto admitted = server::admit_body(std::move(body), context, warnings);
  if (!admitted.ok()) return;
  auto object = server::prepare_create(std::move(*admitted), context);
  if (!object.ok()) return;
  // An update with the same object changes nothing: defaults and spellings are settled.
  Json stored = *object;
  stored["metadata"]["resourceVersion"] = "1";
  context.name = std::string(text_at(stored, {"metadata", "name"}));
  auto again = server::admit_body({.object = stored, .duplicates = {}}, context, warnings);
  require(again.ok());
  auto update =
      server::prepare_update(stored, std::move(*again), server::UpdateKind::kReplace, context);
  if (update.ok()) require(!update->changed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const auto& kKinds = schema::builtin_kinds();
  const schema::Kind& kind = *kKinds[data[0] / 8 % kKinds.size()];
  switch (data[0] % 8) {
    case 0: {
      const auto path = server::parse_path(text);
      require(!path.has_value() || !path->plural.empty());
      break;
    }
    case 1:
      (void)server::parse_list_options(server::parse_query(text));
      (void)server::parse_write_options(server::parse_query(text), "Patch");
      break;
    case 2: {
      auto selector = server::LabelSelector::parse(text);
      if (selector.ok()) (void)selector->matches(Json{{"metadata", {{"labels", {{"a", "1"}}}}}});
      auto fields = server::FieldSelector::parse(text, kind);
      if (fields.ok()) (void)fields->matches(Json{{"metadata", {{"name", "a"}}}});
      break;
    }
    case 3:
      if (auto token = server::decode_continue(text); token.ok()) {
        auto again = server::decode_continue(server::encode_continue(*token));
        require(again.ok() && again->after == token->after && again->revision == token->revision);
      }
      break;
    case 4:
      if (auto body = server::decode_body(text, "application/yaml", "X"); body.ok()) {
        try_create(std::move(*body), kind);
      }
      break;
    case 5:
      (void)server::decode_protobuf(text);
      break;
    default:
      if (auto body = server::decode_body(text, "", "X"); body.ok()) {
        try_create(std::move(*body), kind);
      }
  }
  return 0;
}
