#include "serve/http/router.h"

namespace nacelle::serve {
namespace {

constexpr Route kRoutes[] = {
    {"/health", "GET", &get_health},
    {"/ping", "GET, POST", &get_health},
    {"/version", "GET", &get_version},
    {"/load", "GET", &get_load},
    {"/metrics", "GET", &get_metrics},
    {"/metrics/", "GET", &get_metrics},
    {"/v1/models", "GET", &get_models},
    {"/v1/completions", "POST", &post_completions},
    {"/v1/chat/completions", "POST", &post_chat_completions},
    {"/tokenize", "POST", &post_tokenize},
    {"/detokenize", "POST", &post_detokenize},
};

// Whether the comma-separated list names the method.
bool lists(std::string_view methods, std::string_view method) {
  while (!methods.empty()) {
    const std::size_t comma = methods.find(", ");
    if (methods.substr(0, comma) == method) return true;
    if (comma == std::string_view::npos) return false;
    methods.remove_prefix(comma + 2);
  }
  return false;
}

}  // namespace

RouteMatch find_route(std::string_view path, std::string_view method) {
  for (const Route& route : kRoutes) {
    if (route.path == path) return {&route, lists(route.methods, method)};
  }
  return {};
}

}  // namespace nacelle::serve
