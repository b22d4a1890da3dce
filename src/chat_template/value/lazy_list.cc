#include "chat_template/value/lazy_list.h"

#include "chat_template/eval/interpreter.h"

namespace nacelle::chat_template {
namespace {

class LazyList final : public IteratorObject {
 public:
  LazyList(Runtime& runtime, ItemMaker maker) : IteratorObject(runtime), maker_(std::move(maker)) {}

  Result<bool> next(Interpreter& interpreter, Value& item) override {
    RETURN_IF_ERROR(interpreter.runtime().check_stack());
    if (maker_) {
      const ItemMaker maker = std::exchange(maker_, nullptr);
      ASSIGN_OR_RETURN(items_, maker(interpreter));
    }
    if (position_ >= items_.size()) return false;
    item = std::move(items_[position_++]);
    return true;
  }

 private:
  ItemMaker maker_;
  std::vector<Value> items_;
  std::size_t position_ = 0;
};

}  // namespace

Value make_lazy_list(Runtime& runtime, ItemMaker maker) {
  return make_iterator(runtime.make<LazyList>(0, std::move(maker)));
}

}  // namespace nacelle::chat_template
