#include "router/core/row_lru.h"

#include <utility>

#include "base/check.h"

namespace nacelle::router {

void RowLru::unlink(std::uint32_t place) {
  const auto [older, newer] = links(place);
  (older == kNone ? oldest_ : links(older).newer) = newer;
  (newer == kNone ? newest_ : links(newer).older) = older;
}

void RowLru::link_newest(std::uint32_t place) {
  links(place) = {newest_, kNone};
  (newest_ == kNone ? oldest_ : links(newest_).newer) = place;
  newest_ = place;
}

bool RowLru::touch(std::uint32_t row) {
  const std::uint32_t number = row / kRows;
  if (number != last_number_) {
    last_slot_ = slot_of(number);
    last_number_ = number;
  }
  const std::uint32_t place = last_slot_ * kRows + row % kRows;
  const std::uint32_t bit = 1u << (row % kRows);
  std::uint32_t& present = states_[last_slot_].present;
  const bool was_here = (present & bit) != 0;
  if (was_here) {
    if (place == newest_) return false;
    unlink(place);
  } else {
    present |= bit;
    ++size_;
  }
  link_newest(place);
  return !was_here;
}

std::uint32_t RowLru::pop_oldest() {
  CHECK(size_ > 0);
  const std::uint32_t place = oldest_;
  const std::uint32_t row = row_at(place);
  drop(place);
  return row;
}

bool RowLru::erase(std::uint32_t row) {
  const std::uint32_t number = row / kRows;
  if (table_.empty()) return false;
  for (std::size_t i = home(number); table_[i].number != kNone; i = (i + 1) & mask_) {
    if (table_[i].number != number) continue;
    const std::uint32_t slot = table_[i].slot;
    if ((states_[slot].present & 1u << (row % kRows)) == 0) return false;
    drop(slot * kRows + row % kRows);
    return true;
  }
  return false;
}

void RowLru::drop(std::uint32_t place) {
  unlink(place);
  --size_;
  PageState& state = states_[place / kRows];
  state.present &= ~(1u << (place % kRows));
  if (state.present == 0) drop_page(place / kRows);
}

std::uint32_t RowLru::slot_of(std::uint32_t number) {
  if ((num_pages_ + 1) * 2 > table_.size()) grow();
  std::size_t i = home(number);
  for (; table_[i].number != kNone; i = (i + 1) & mask_) {
    if (table_[i].number == number) return table_[i].slot;
  }
  std::uint32_t slot;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(states_.size());
    if (slot % kPagesPerBlock == 0) {
      blocks_.push_back(std::make_unique_for_overwrite<Page[]>(kPagesPerBlock));
    }
    states_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  states_[slot] = {number, 0};
  table_[i] = {number, slot};
  ++num_pages_;
  return slot;
}

void RowLru::drop_page(std::uint32_t slot) {
  const std::uint32_t number = states_[slot].number;
  if (number == last_number_) last_number_ = kNone;
  std::size_t i = home(number);
  while (table_[i].number != number) i = (i + 1) & mask_;
  for (std::size_t j = (i + 1) & mask_; table_[j].number != kNone; j = (j + 1) & mask_) {
    if (((j - home(table_[j].number)) & mask_) >= ((j - i) & mask_)) {
      table_[i] = table_[j];
      i = j;
    }
  }
  table_[i].number = kNone;
  --num_pages_;
  free_slots_.push_back(slot);
}

void RowLru::grow() {
  const std::vector<Entry> old =
      std::exchange(table_, std::vector<Entry>(table_.empty() ? 32 : table_.size() * 2));
  mask_ = table_.size() - 1;
  for (const Entry& entry : old) {
    if (entry.number == kNone) continue;
    std::size_t i = home(entry.number);
    while (table_[i].number != kNone) i = (i + 1) & mask_;
    table_[i] = entry;
  }
}

}  // namespace nacelle::router
