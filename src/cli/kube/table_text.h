// table_text.h: Tables of an API server as aligned text, as `kubectl get` prints them.
//
// Home:    pure; one per command, since a watch goes on in the columns it began with.
// Source:  kubernetes-api.md section 6.2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kube/object.h"

namespace nacelle::cli {

struct TableStyle {
  bool wide = false;        // also columns of low priority
  bool namespaces = false;  // a first column with the namespace
  bool headers = true;
  std::string prefix;  // "pod/": before every name
};

// Columns of text: what is shorter is filled up, but not the last one.
class TextColumns {
 public:
  void add(std::vector<std::string> row);
  // The rows since the last call.
  [[nodiscard]] std::string take();

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> widths_;
};

class TableText {
 public:
  explicit TableText(TableStyle style) : style_(std::move(style)) {}

  // `table` is a Table; anything else of the API is printed by name and time.
  void add(const kube::Json& table);
  [[nodiscard]] std::string take() { return columns_.take(); }
  [[nodiscard]] std::size_t rows() const { return rows_; }

 private:
  void add_row(const kube::Json& object, std::vector<std::string> cells);

  TableStyle style_;
  std::vector<bool> shown_;
  bool begun_ = false;
  std::size_t rows_ = 0;
  TextColumns columns_;
};

// The characters of UTF-8 text, as a terminal counts them.
[[nodiscard]] std::size_t columns_of(std::string_view text);

}  // namespace nacelle::cli
