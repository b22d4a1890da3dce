#include "model/quantization/module_pattern.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "model/field_reader.h"

namespace nacelle::model {

// Recursive descent from text to instructions. A part of the expression is a piece of program whose
// jumps are relative to its beginning, so that it can be repeated.
class PatternParser {
 public:
  using Op = ModulePattern::Op;
  using Instruction = ModulePattern::Instruction;
  using Piece = std::vector<Instruction>;

  explicit PatternParser(std::string_view text) : text_(text) {}

  Result<ModulePattern> parse() {
    Result<Piece> piece = alternatives(0);
    if (!piece) return piece.error();
    if (at_ != text_.size()) return error("an unmatched )");
    piece->push_back({.op = Op::kAccept});
    ModulePattern pattern;
    pattern.program_ = std::move(*piece);
    pattern.sets_ = std::move(sets_);
    return pattern;
  }

 private:
  static constexpr std::size_t kMaxNesting = 32;
  static constexpr std::size_t kMaxProgram = 8192;
  static constexpr std::uint32_t kMaxRepeats = 256;

  bool done() const { return at_ >= text_.size(); }
  bool take(char c) {
    if (done() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  Status error(std::string_view what) const {
    return invalid_argument("pattern \"{}\" has {} at character {}", shown(), what, at_ + 1);
  }
  Status refuse(std::string_view what) const {
    return unimplemented(
        "pattern \"{}\" uses {} at character {}; there are literals, . [] () | * + ? {{m,n}} ^ $ "
        "\\d \\w \\s",
        shown(), what, at_ + 1);
  }
  std::string shown() const { return printable(text_, 80); }

  // Moves a piece so that it can stand at `offset` of a larger one.
  static void append(Piece& to, const Piece& from) {
    const auto offset = static_cast<std::uint32_t>(to.size());
    for (Instruction instruction : from) {
      if (instruction.op == Op::kJump || instruction.op == Op::kSplit) {
        instruction.to += offset;
        instruction.other += offset;
      }
      to.push_back(instruction);
    }
  }

  Result<Piece> alternatives(std::size_t nesting) {
    if (nesting > kMaxNesting) return refuse("groups nested too deep");
    ASSIGN_OR_RETURN(Piece left, sequence(nesting));
    while (take('|')) {
      ASSIGN_OR_RETURN(const Piece right, sequence(nesting));
      Piece both;
      const auto after_left = static_cast<std::uint32_t>(left.size() + 2);
      both.push_back({.op = Op::kSplit, .to = 1, .other = after_left});
      append(both, left);
      const auto end = static_cast<std::uint32_t>(after_left + right.size());
      both.push_back({.op = Op::kJump, .to = end});
      append(both, right);
      left = std::move(both);
      if (left.size() > kMaxProgram) return refuse("too many repetitions");
    }
    return left;
  }

  Result<Piece> sequence(std::size_t nesting) {
    Piece all;
    while (!done() && text_[at_] != '|' && text_[at_] != ')') {
      ASSIGN_OR_RETURN(Piece one, atom(nesting));
      ASSIGN_OR_RETURN(one, repeated(std::move(one)));
      append(all, one);
      if (all.size() > kMaxProgram) return refuse("too many repetitions");
    }
    return all;
  }

  Result<Piece> atom(std::size_t nesting) {
    const char c = text_[at_++];
    switch (c) {
      case '(': {
        if (take('?') && !take(':')) return refuse("a (? group");
        ASSIGN_OR_RETURN(Piece inner, alternatives(nesting + 1));
        if (!take(')')) return error("a ( without )");
        return inner;
      }
      case '[':
        return bracket();
      case '^':
        return Piece{{.op = Op::kBegin}};
      case '$':
        return Piece{{.op = Op::kEnd}};
      case '*':
      case '+':
      case '?':
      case '{':
        --at_;
        return error("nothing to repeat");
      case '.': {
        std::bitset<256> any;
        any.set();
        any.reset('\n');
        return set(any);
      }
      case '\\': {
        ASSIGN_OR_RETURN(const std::bitset<256> escaped, escape());
        return set(escaped);
      }
      default:
        return set(single(c));
    }
  }

  static std::bitset<256> single(char c) {
    std::bitset<256> out;
    out.set(static_cast<std::uint8_t>(c));
    return out;
  }
  static std::bitset<256> range(char first, char last) {
    std::bitset<256> out;
    for (int c = static_cast<std::uint8_t>(first); c <= static_cast<std::uint8_t>(last); ++c) {
      out.set(static_cast<std::size_t>(c));
    }
    return out;
  }
  Piece set(const std::bitset<256>& members) {
    sets_.push_back(members);
    return Piece{{.op = Op::kSet, .to = static_cast<std::uint32_t>(sets_.size() - 1)}};
  }

  Result<std::bitset<256>> escape() {
    if (done()) return error("a \\ at its end");
    const char c = text_[at_];
    std::bitset<256> out;
    switch (c) {
      case 'd':
      case 'D':
        out = range('0', '9');
        break;
      case 'w':
      case 'W':
        out = range('0', '9') | range('a', 'z') | range('A', 'Z') | single('_');
        break;
      case 's':
      case 'S':
        out = range('\t', '\r') | single(' ');
        break;
      default: {
        const bool letter_or_digit = (range('0', '9') | range('a', 'z') | range('A', 'Z'))
                                         .test(static_cast<std::uint8_t>(c));
        if (letter_or_digit) return refuse("a \\ escape");
        out = single(c);
      }
    }
    ++at_;
    if (c == 'D' || c == 'W' || c == 'S') out.flip();
    return out;
  }

  Result<Piece> bracket() {
    std::bitset<256> members;
    const bool negated = take('^');
    for (bool first = true; first || !take(']'); first = false) {
      if (done()) return error("a [ without ]");
      const char c = text_[at_++];
      if (c == '\\') {
        ASSIGN_OR_RETURN(const std::bitset<256> escaped, escape());
        members |= escaped;
      } else if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        const char last = text_[at_ + 1];
        at_ += 2;
        if (last == '\\') return refuse("an escape in a range");
        if (static_cast<std::uint8_t>(last) < static_cast<std::uint8_t>(c)) {
          return error("a range that runs backwards");
        }
        members |= range(c, last);
      } else {
        members |= single(c);
      }
    }
    return set(negated ? members.flip() : members);
  }

  std::optional<std::uint32_t> number() {
    std::optional<std::uint32_t> out;
    while (!done() && text_[at_] >= '0' && text_[at_] <= '9') {
      out =
          std::min<std::uint32_t>(out.value_or(0) * 10 + std::uint32_t(text_[at_++] - '0'), 65536);
    }
    return out;
  }

  // `one` under the quantifier that follows, if any. Lazy and greedy accept the same names.
  Result<Piece> repeated(Piece one) {
    std::uint32_t least = 1;
    std::optional<std::uint32_t> most = 1;  // nullopt: no bound
    if (take('*')) {
      least = 0;
      most.reset();
    } else if (take('+')) {
      most.reset();
    } else if (take('?')) {
      least = 0;
    } else if (take('{')) {
      const std::optional<std::uint32_t> low = number();
      most = low;
      if (take(',')) most = number();
      if (!low || !take('}')) return error("an unreadable {m,n}");
      least = *low;
      if (most && *most < least) return error("a {m,n} that runs backwards");
    } else {
      return one;
    }
    (void)take('?');
    if (!done() && (text_[at_] == '*' || text_[at_] == '+' || text_[at_] == '{')) {
      return error("a repeated repetition");
    }
    if (std::max(least, most.value_or(0)) > kMaxRepeats ||
        one.size() * std::max(least, most.value_or(1)) > kMaxProgram) {
      return refuse("too many repetitions");
    }
    Piece out;
    for (std::uint32_t i = 0; i < least; ++i) append(out, one);
    const auto size = static_cast<std::uint32_t>(one.size());
    if (!most) {
      const auto begin = static_cast<std::uint32_t>(out.size());
      out.push_back({.op = Op::kSplit, .to = begin + 1, .other = begin + size + 2});
      append(out, one);
      out.push_back({.op = Op::kJump, .to = begin});
      return out;
    }
    for (std::uint32_t i = least; i < *most; ++i) {
      const auto begin = static_cast<std::uint32_t>(out.size());
      out.push_back({.op = Op::kSplit, .to = begin + 1, .other = begin + size + 1});
      append(out, one);
    }
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::bitset<256>> sets_;
};

Result<ModulePattern> ModulePattern::parse(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return unimplemented("a module pattern has {} bytes, accepted: {}", pattern.size(),
                         kMaxPatternBytes);
  }
  return PatternParser(pattern).parse();
}

bool ModulePattern::matches(std::string_view name) const {
  std::vector<std::uint32_t> states, next, pending;
  std::vector<std::size_t> reached(program_.size(), std::string_view::npos);  // at which place
  bool accepted = false;
  // Adds a state and all that follow from it without taking a character.
  const auto enter = [&](std::uint32_t state, std::size_t place, std::vector<std::uint32_t>& into) {
    pending.push_back(state);
    while (!pending.empty()) {
      const std::uint32_t at = pending.back();
      pending.pop_back();
      if (reached[at] == place) continue;
      reached[at] = place;
      const Instruction& instruction = program_[at];
      switch (instruction.op) {
        case Op::kSet:
          into.push_back(at);
          break;
        case Op::kJump:
          pending.push_back(instruction.to);
          break;
        case Op::kSplit:
          pending.push_back(instruction.to);
          pending.push_back(instruction.other);
          break;
        case Op::kBegin:
          if (place == 0) pending.push_back(at + 1);
          break;
        case Op::kEnd:
          if (place == name.size()) pending.push_back(at + 1);
          break;
        case Op::kAccept:
          accepted = true;
          break;
      }
    }
  };
  enter(0, 0, states);
  for (std::size_t i = 0; i < name.size() && !accepted && !states.empty(); ++i) {
    next.clear();
    for (const std::uint32_t state : states) {
      if (sets_[program_[state].to].test(static_cast<std::uint8_t>(name[i]))) {
        enter(state + 1, i + 1, next);
      }
    }
    states.swap(next);
  }
  return accepted;
}

}  // namespace nacelle::model
