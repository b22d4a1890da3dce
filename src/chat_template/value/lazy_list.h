// lazy_list.h: an iterator over items that are made when the first one is asked for.
//
// Filters such as `unique` are generators in Python: what they would complain about shows only when
// their result is used, and they can be walked once.
#pragma once

#include <functional>
#include <vector>

#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

using ItemMaker = std::function<Result<std::vector<Value>>(Interpreter&)>;

Value make_lazy_list(Runtime& runtime, ItemMaker maker);

}  // namespace nacelle::chat_template
