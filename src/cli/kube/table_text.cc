#include "cli/kube/table_text.h"

#include <algorithm>
#include <utility>

namespace nacelle::cli {
namespace {

using kube::Json;
using kube::text_at;

constexpr std::size_t kGap = 3;

std::string cell_text(const Json& cell) {
  if (cell.is_null()) return "<none>";
  if (!cell.is_string()) return cell.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string out = cell.get<std::string>();
  // One row is one line, whatever an object says.
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

void TextColumns::add(std::vector<std::string> row) {
  if (widths_.size() < row.size()) widths_.resize(row.size());
  for (std::size_t i = 0; i < row.size(); ++i) {
    widths_[i] = std::max(widths_[i], columns_of(row[i]));
  }
  rows_.push_back(std::move(row));
}

std::string TextColumns::take() {
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths_[i] - columns_of(row[i]) + kGap, ' ');
    }
    out += '\n';
  }
  rows_.clear();
  return out;
}

void TableText::add(const Json& table) {
  if (text_at(table, {"kind"}) != "Table") {
    if (shown_.empty()) {
      shown_ = {true, true};
      if (style_.headers && !begun_) {
        columns_.add(style_.namespaces ? std::vector<std::string>{"NAMESPACE", "NAME", "CREATED"}
                                       : std::vector<std::string>{"NAME", "CREATED"});
      }
      begun_ = true;
    }
    const Json& items = kube::list_at(table, {"items"});
    const auto row = [&](const Json& object) {
      add_row(object, {kube::key_of(object).name,
                       std::string(text_at(object, {"metadata", "creationTimestamp"}))});
    };
    if (table.contains("items")) {
      for (const Json& item : items) row(item);
    } else {
      row(table);
    }
    return;
  }
  const Json& definitions = kube::list_at(table, {"columnDefinitions"});
  if (!definitions.empty() && shown_.empty()) {
    std::vector<std::string> heads;
    if (style_.namespaces) heads.emplace_back("NAMESPACE");
    for (const Json& each : definitions) {
      const bool show = style_.wide || kube::number_at(each, {"priority"}).value_or(0) == 0;
      shown_.push_back(show);
      if (show) heads.push_back(upper(std::string(text_at(each, {"name"}))));
    }
    if (style_.headers && !begun_) columns_.add(std::move(heads));
    begun_ = true;
  }
  for (const Json& row : kube::list_at(table, {"rows"})) {
    std::vector<std::string> cells;
    const Json& list = kube::list_at(row, {"cells"});
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i >= shown_.size() || shown_[i]) cells.push_back(cell_text(list[i]));
    }
    add_row(kube::map_at(row, {"object"}), std::move(cells));
  }
}

void TableText::add_row(const Json& object, std::vector<std::string> cells) {
  ++rows_;
  if (!cells.empty()) cells[0] = style_.prefix + cells[0];
  if (style_.namespaces) cells.insert(cells.begin(), kube::key_of(object).name_space);
  columns_.add(std::move(cells));
}

}  // namespace nacelle::cli
