// links: control
// go_template_fuzz.cc: any text as a template over a fixed value: bounded work, an answer or a reason.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/core/go_template/go_template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nacelle::control::go_template;
  static const Context kContext = [] {
    Context context;
    context.root = Json::parse(R"({"Name":"n","Spec":{"list":[1,2,3],"map":{"a":"b"},"on":true}})");
    context.optional = [](std::string_view name) { return name == "Absent"; };
    return context;
  }();
  const auto out = render({reinterpret_cast<const char*>(data), size}, kContext);
  if (out.ok() && out->size() > 2 * kMaxTemplateBytes) std::abort();
  if (!out.ok() && out.error().message().empty()) std::abort();
  return 0;
}
