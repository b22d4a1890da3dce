// dict.cc: the lookup of DictObject. Small dicts are searched in order; larger ones keep an index.
#include "chat_template/value/compare.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {
namespace {

constexpr std::size_t kLinearEntries = 8;

std::size_t hash_text(std::string_view text) { return std::hash<std::string_view>{}(text); }

}  // namespace

const Value* DictObject::lookup(const Value& key, std::size_t hash) const {
  if (index_.empty()) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (hashes_[i] == hash && hashable_equal(entries_[i].key, key)) return &entries_[i].value;
    }
    return nullptr;
  }
  const std::size_t mask = index_.size() - 1;
  for (std::size_t slot = hash & mask; index_[slot] != 0; slot = (slot + 1) & mask) {
    const std::size_t i = index_[slot] - 1;
    if (hashes_[i] == hash && hashable_equal(entries_[i].key, key)) return &entries_[i].value;
  }
  return nullptr;
}

Result<const Value*> DictObject::find(const Value& key) const {
  ASSIGN_OR_RETURN(const std::size_t hash, hash_value(*runtime_, key));
  return lookup(key, hash);
}

const Value* DictObject::find(std::string_view key) const {
  const std::size_t hash = hash_text(key);
  const auto matches = [&](std::size_t i) {
    return hashes_[i] == hash && entries_[i].key.is_string() && entries_[i].key.text() == key;
  };
  if (index_.empty()) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (matches(i)) return &entries_[i].value;
    }
    return nullptr;
  }
  const std::size_t mask = index_.size() - 1;
  for (std::size_t slot = hash & mask; index_[slot] != 0; slot = (slot + 1) & mask) {
    if (matches(index_[slot] - 1)) return &entries_[index_[slot] - 1].value;
  }
  return nullptr;
}

Status DictObject::set(const Value& key, Value value) {
  ASSIGN_OR_RETURN(const std::size_t hash, hash_value(*runtime_, key));
  if (const Value* found = lookup(key, hash); found != nullptr) {
    const_cast<Value&>(*found) = std::move(value);
    return {};
  }
  entries_.push_back({key, std::move(value)});
  hashes_.push_back(hash);
  runtime_->charge(*this, sizeof(Entry) + 2 * sizeof(std::size_t));
  if (entries_.size() > kLinearEntries && entries_.size() * 2 > index_.size()) {
    rebuild_index();
  } else if (!index_.empty()) {
    const std::size_t mask = index_.size() - 1;
    std::size_t slot = hash & mask;
    while (index_[slot] != 0) slot = (slot + 1) & mask;
    index_[slot] = static_cast<std::uint32_t>(entries_.size());
  }
  return {};
}

void DictObject::rebuild_index() {
  std::size_t size = 32;
  while (size < entries_.size() * 4) size *= 2;
  index_.assign(size, 0);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t slot = hashes_[i] & (size - 1);
    while (index_[slot] != 0) slot = (slot + 1) & (size - 1);
    index_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

}  // namespace nacelle::chat_template
