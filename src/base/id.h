// id.h: numbers that name things. Ids of different things have different types.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace nacelle {

template <class Tag, class Rep = std::uint32_t>
struct Id {
  using rep = Rep;
  Rep value{};
  friend auto operator<=>(const Id&, const Id&) = default;
};

}  // namespace nacelle

template <class Tag, class Rep>
struct std::hash<nacelle::Id<Tag, Rep>> {
  std::size_t operator()(const nacelle::Id<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
