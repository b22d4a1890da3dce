// store_test_util.h: objects, writes and an open store for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "kube/store.h"
#include "net/testing/test_folder.h"

namespace nacelle::kube {

using Folder = net::testing::TestFolder;

inline Json object(const ObjectKey& key, int value, std::size_t padding = 0) {
  return {{"metadata", {{"name", key.name}, {"namespace", key.name_space}}},
          {"value", value},
          {"padding", std::string(padding, 'x')}};
}

inline Write put(const std::string& collection, const ObjectKey& key, std::uint64_t expected,
                 int value) {
  return {.collection = collection, .key = key, .expected = expected, .object = object(key, value)};
}

inline std::unique_ptr<Store> open(const Folder& folder, StoreOptions options = {}) {
  options.folder = folder.path();
  auto store = Store::open(options);
  if (!store.ok()) ADD_FAILURE() << store.error().to_string();
  return std::move(*store);
}

}  // namespace nacelle::kube
