// RFC 6902 over nlohmann::json. The library's own patch() throws, knows no bound, and lets `copy`
// double a document with every operation.
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/patch.h"
#include "kube/patch/go_text.h"

namespace nacelle::kube {
namespace {

using Tokens = std::vector<std::string>;

Result<Tokens> parse_pointer(const Json& operation, std::string_view member) {
  const auto at = operation.find(member);
  if (at == operation.end() || !at->is_string()) {
    return invalid_argument("error decoding patch: operation has no text \"{}\"", member);
  }
  const auto& text = at->get_ref<const std::string&>();
  Tokens tokens;
  if (text.empty()) return tokens;
  if (text[0] != '/') {
    return failed_precondition("{} \"{}\" is no JSON pointer: it must begin with /", member, text);
  }
  for (std::size_t i = 1;; ++i) {
    std::string token;
    for (; i < text.size() && text[i] != '/'; ++i) {
      if (text[i] != '~') {
        token += text[i];
      } else if (i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1')) {
        token += text[++i] == '0' ? '~' : '/';
      } else {
        return failed_precondition("{} \"{}\" has a ~ that is neither ~0 nor ~1", member, text);
      }
    }
    tokens.push_back(std::move(token));
    if (tokens.size() > kMaxMergeDepth) {
      return out_of_range("{} has more than {} steps", member, kMaxMergeDepth);
    }
    if (i >= text.size()) return tokens;
  }
}

std::optional<std::size_t> index_of(std::string_view token) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  const bool whole = error == std::errc{} && end == token.data() + token.size();
  if (!whole || (token.size() > 1 && token[0] == '0')) return std::nullopt;
  return index;
}

// One step down; null when there is nothing.
Json* step(Json& value, const std::string& token) {
  if (value.is_object()) {
    const auto at = value.find(token);
    return at == value.end() ? nullptr : &*at;
  }
  if (value.is_array()) {
    const auto index = index_of(token);
    return index && *index < value.size() ? &value[*index] : nullptr;
  }
  return nullptr;
}

std::string text_of(const Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += "/" + token;
  return text;
}

Result<Json*> resolve(Json& root, const Tokens& tokens, std::size_t steps) {
  Json* at = &root;
  for (std::size_t i = 0; i < steps; ++i) {
    at = step(*at, tokens[i]);
    if (at == nullptr) return failed_precondition("path {} is missing", text_of(tokens));
  }
  return at;
}

Status add(Json& root, const Tokens& path, Json value) {
  if (path.size() + nesting_of(value) > kMaxMergeDepth) {
    return out_of_range("{} would nest deeper than {}", text_of(path), kMaxMergeDepth);
  }
  if (path.empty()) {
    root = std::move(value);
    return {};
  }
  ASSIGN_OR_RETURN(Json * parent, resolve(root, path, path.size() - 1));
  const std::string& last = path.back();
  if (parent->is_object()) {
    (*parent)[last] = std::move(value);
    return {};
  }
  if (!parent->is_array()) return failed_precondition("path {} is missing", text_of(path));
  const auto index = last == "-" ? std::optional(parent->size()) : index_of(last);
  if (!index || *index > parent->size()) {
    return failed_precondition("{} is outside of a list of {}", text_of(path), parent->size());
  }
  parent->insert(parent->begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
  return {};
}

// Takes the value out.
Result<Json> take(Json& root, const Tokens& path) {
  if (path.empty()) return std::exchange(root, Json());
  ASSIGN_OR_RETURN(Json * parent, resolve(root, path, path.size() - 1));
  Json* found = step(*parent, path.back());
  if (found == nullptr) return failed_precondition("path {} is missing", text_of(path));
  Json value = std::move(*found);
  if (parent->is_object()) {
    parent->erase(path.back());
  } else {
    parent->erase(parent->begin() + static_cast<std::ptrdiff_t>(*index_of(path.back())));
  }
  return value;
}

bool begins_with(const Tokens& path, const Tokens& prefix) {
  return path.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

Result<Json> value_of(const Json& operation) {
  const auto at = operation.find("value");
  if (at == operation.end())
    return invalid_argument("error decoding patch: operation has no value");
  return Json(*at);
}

Status move(Json& root, const Tokens& from, const Tokens& path) {
  if (path.size() > from.size() && begins_with(path, from)) {
    return failed_precondition("{} cannot be moved into itself", text_of(from));
  }
  ASSIGN_OR_RETURN(Json value, take(root, from));
  return add(root, path, std::move(value));
}

Status copy(Json& root, const Tokens& from, const Tokens& path, std::size_t& copied_bytes) {
  ASSIGN_OR_RETURN(Json * found, resolve(root, from, from.size()));
  copied_bytes += to_json_text(*found).size();
  if (copied_bytes > kMaxPatchCopyBytes) {
    return out_of_range("copies add more than {} bytes", kMaxPatchCopyBytes);
  }
  return add(root, path, Json(*found));
}

Status run(Json& root, const Json& operation, std::size_t& copied_bytes) {
  if (!operation.is_object()) return invalid_argument("error decoding patch: operation is no map");
  const std::string_view op = text_at(operation, {"op"});
  ASSIGN_OR_RETURN(const Tokens path, parse_pointer(operation, "path"));
  if (op == "move" || op == "copy") {
    ASSIGN_OR_RETURN(const Tokens from, parse_pointer(operation, "from"));
    return op == "move" ? move(root, from, path) : copy(root, from, path, copied_bytes);
  }
  if (op == "remove") return take(root, path).status();
  if (op != "add" && op != "replace" && op != "test") {
    return invalid_argument("error decoding patch: unexpected kind: {}", op);
  }
  ASSIGN_OR_RETURN(Json value, value_of(operation));
  if (op == "add") return add(root, path, std::move(value));
  ASSIGN_OR_RETURN(Json * found, resolve(root, path, path.size()));
  if (op == "test") {
    if (*found == value) return {};
    return failed_precondition("testing value {} failed", text_of(path));
  }
  if (path.size() + nesting_of(value) > kMaxMergeDepth) {
    return out_of_range("{} would nest deeper than {}", text_of(path), kMaxMergeDepth);
  }
  *found = std::move(value);
  return {};
}

}  // namespace

Result<Json> json_patch(Json object, const Json& operations) {
  if (!operations.is_array()) {
    return invalid_argument("error decoding patch: a JSON patch is a list, got {}",
                            operations.type_name());
  }
  if (operations.size() > kMaxPatchOperations) {
    return out_of_range("the allowed maximum operations in a JSON patch is {}, got {}",
                        kMaxPatchOperations, operations.size());
  }
  if (nesting_of(operations) > kMaxMergeDepth || nesting_of(object) > kMaxMergeDepth) {
    return out_of_range("the patch or its object nests deeper than {}", kMaxMergeDepth);
  }
  std::size_t copied_bytes = 0;
  for (const Json& operation : operations) RETURN_IF_ERROR(run(object, operation, copied_bytes));
  return object;
}

}  // namespace nacelle::kube
