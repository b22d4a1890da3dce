// iterate.h: walking values, Python's iter(), len() and list().
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

// The items of a value, one at a time: list items, dict keys, characters. An undefined value has
// none. invalid_argument when the value cannot be walked.
Result<Ref<IteratorObject>> iterate(Runtime& runtime, const Value& value);

// The same, last item first. invalid_argument for iterators, which have no end to start from.
Result<Ref<IteratorObject>> iterate_reversed(Runtime& runtime, const Value& value);

// Number of items; nothing when the value has no length.
[[nodiscard]] std::optional<std::size_t> length_of(const Value& value);

// All items. Uses up an iterator.
Result<std::vector<Value>> collect(Interpreter& interpreter, const Value& value);

[[nodiscard]] bool is_iterable(const Value& value);

// Items start, start + step, ... of a list, tuple, text or range, as `value[start:stop:step]`.
Result<Value> slice(Runtime& runtime, const Value& value, const Value& start, const Value& stop,
                    const Value& step);

// The character of `text` at byte `pos`, as a value; ends at `*next`.
Value character_at(Runtime& runtime, const std::string& text, std::size_t pos, std::size_t* next);

}  // namespace nacelle::chat_template
