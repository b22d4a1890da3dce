#include "control/core/go_template/syntax.h"

#include <utility>

#include "control/core/go_template/tokens.h"

namespace nacelle::control::go_template {
namespace {

// Text and actions in turn.
struct Piece {
  bool action = false;
  std::string text;
};

constexpr std::string_view kSpace = " \t\r\n";

Result<std::vector<Piece>> pieces_of(std::string_view text) {
  std::vector<Piece> pieces;
  bool trim_next = false;
  while (true) {
    const std::size_t open = text.find("{{");
    std::string plain(text.substr(0, open));
    if (trim_next) plain.erase(0, plain.find_first_not_of(kSpace));
    if (open == text.npos) {
      if (!plain.empty()) pieces.push_back({false, std::move(plain)});
      return pieces;
    }
    std::string_view rest = text.substr(open + 2);
    if (rest.size() >= 2 && rest[0] == '-' && kSpace.find(rest[1]) != kSpace.npos) {
      plain.erase(plain.find_last_not_of(kSpace) + 1);
      rest.remove_prefix(1);
    }
    if (!plain.empty()) pieces.push_back({false, std::move(plain)});
    // The end is the first }} outside of quotes.
    std::size_t end = 0;
    char quote = 0;
    for (; end < rest.size(); ++end) {
      if (quote != 0) {
        if (rest[end] == '\\' && quote == '"')
          ++end;
        else if (rest[end] == quote)
          quote = 0;
      } else if (rest[end] == '"' || rest[end] == '`') {
        quote = rest[end];
      } else if (rest.substr(end, 2) == "}}") {
        break;
      }
    }
    if (end >= rest.size()) return invalid_argument("unclosed action");
    std::string action(rest.substr(0, end));
    trim_next = action.size() >= 2 && action.back() == '-' &&
                kSpace.find(action[action.size() - 2]) != kSpace.npos;
    if (trim_next) action.pop_back();
    const std::size_t first = action.find_first_not_of(kSpace);
    if (first == action.npos) return invalid_argument("missing value for command");
    if (action.compare(first, 2, "/*") != 0) pieces.push_back({true, std::move(action)});
    text = rest.substr(end + 2);
  }
}

class Parser {
 public:
  explicit Parser(std::vector<Piece> pieces) : pieces_(std::move(pieces)) {}

  Result<std::vector<Node>> all() {
    std::string stop;
    ASSIGN_OR_RETURN(std::vector<Node> nodes, block(0, stop));
    if (!stop.empty()) return invalid_argument("unexpected {{{{{}}}}}", stop);
    return nodes;
  }

 private:
  // Nodes up to an `end` or `else`, which is left in `stop` ("" at the end of the text).
  Result<std::vector<Node>> block(int depth, std::string& stop) {
    if (depth > kMaxNesting) return invalid_argument("blocks nest deeper than {}", kMaxNesting);
    std::vector<Node> nodes;
    for (; next_ < pieces_.size();) {
      Piece& piece = pieces_[next_++];
      if (!piece.action) {
        nodes.push_back({.text = std::move(piece.text)});
        continue;
      }
      ASSIGN_OR_RETURN(std::vector<Token> tokens, tokens_of(piece.text));
      const std::string word = tokens[0].kind == Token::Kind::kWord ? tokens[0].text : "";
      if (word == "end" || word == "else") {
        stop = word;
        else_tokens_ = std::vector<Token>(tokens.begin() + 1, tokens.end());
        return nodes;
      }
      ASSIGN_OR_RETURN(Node node, one(word, std::move(tokens), std::move(piece.text), depth));
      nodes.push_back(std::move(node));
    }
    stop.clear();
    return nodes;
  }

  Result<Node> one(const std::string& word, std::vector<Token> tokens, std::string text,
                   int depth) {
    Node node{.kind = Node::Kind::kOutput, .text = std::move(text)};
    if (word == "if") node.kind = Node::Kind::kIf;
    if (word == "with") node.kind = Node::Kind::kWith;
    if (word == "range") node.kind = Node::Kind::kRange;
    for (const char* unknown : {"define", "template", "block", "break", "continue"}) {
      if (word == unknown) return unimplemented("action {} is not offered", word);
    }
    const bool is_block = node.kind != Node::Kind::kOutput;
    if (is_block) tokens.erase(tokens.begin());
    std::size_t at = 0;
    ASSIGN_OR_RETURN(node.pipeline, pipeline(tokens, at, depth));
    if (at != tokens.size())
      return invalid_argument("unexpected {} in {}", tokens[at].text, node.text);
    if (is_block) RETURN_IF_ERROR(bodies(node, depth));
    return node;
  }

  Status bodies(Node& node, int depth) {
    std::string stop;
    ASSIGN_OR_RETURN(node.body, block(depth + 1, stop));
    if (stop == "else") {
      std::vector<Token> chained = std::move(else_tokens_);
      if (!chained.empty()) {  // else if, else with: one node that shares our `end`
        const std::string word = chained[0].text;
        if (word != "if" && word != "with") return invalid_argument("unexpected else {}", word);
        ASSIGN_OR_RETURN(Node inner, one(word, std::move(chained), "else " + word, depth + 1));
        node.otherwise.push_back(std::move(inner));
        return {};
      }
      ASSIGN_OR_RETURN(node.otherwise, block(depth + 1, stop));
    }
    if (stop != "end") return invalid_argument("{{{{{}}}}} has no end", node.text);
    return {};
  }

  static bool is_sign(const std::vector<Token>& tokens, std::size_t at, std::string_view sign) {
    return at < tokens.size() && tokens[at].kind == Token::Kind::kSign && tokens[at].text == sign;
  }

  Result<Pipeline> pipeline(const std::vector<Token>& tokens, std::size_t& at, int depth) {
    if (depth > kMaxNesting) return invalid_argument("parentheses nest too deep");
    Pipeline out;
    std::size_t ahead = at;
    while (ahead < tokens.size() && tokens[ahead].kind == Token::Kind::kVariable &&
           tokens[ahead].text.size() > 1) {
      if (is_sign(tokens, ahead + 1, ",")) {
        ahead += 2;
      } else if (is_sign(tokens, ahead + 1, ":=") || is_sign(tokens, ahead + 1, "=")) {
        for (; at <= ahead; at += 2) out.variables.push_back(tokens[at].text);
        out.assigns = tokens[ahead + 1].text == "=";
        break;
      } else {
        break;
      }
    }
    while (true) {
      ASSIGN_OR_RETURN(Command next, command(tokens, at, depth));
      out.commands.push_back(std::move(next));
      if (!is_sign(tokens, at, "|")) return out;
      ++at;
    }
  }

  Result<Command> command(const std::vector<Token>& tokens, std::size_t& at, int depth) {
    using Kind = Token::Kind;
    Command out;
    for (; at < tokens.size(); ++at) {
      const Token& token = tokens[at];
      Operand operand;
      if (token.kind == Kind::kField && token.attached && !out.operands.empty()) {
        out.operands.back().fields.push_back(token.text);
        continue;
      }
      switch (token.kind) {
        case Kind::kLiteral:
          operand.literal = token.literal;
          break;
        case Kind::kDot:
          operand.kind = Operand::Kind::kDot;
          break;
        case Kind::kField:
          operand.kind = Operand::Kind::kDot;
          operand.fields.push_back(token.text);
          break;
        case Kind::kVariable:
          operand.kind = Operand::Kind::kVariable;
          operand.name = token.text;
          break;
        case Kind::kWord:
          operand.kind = Operand::Kind::kFunction;
          operand.name = token.text;
          break;
        case Kind::kSign: {
          if (token.text != "(") {
            if (out.operands.empty()) return invalid_argument("missing value for command");
            return out;
          }
          operand.kind = Operand::Kind::kGroup;
          ++at;
          ASSIGN_OR_RETURN(Pipeline inner, pipeline(tokens, at, depth + 1));
          if (!is_sign(tokens, at, ")")) return invalid_argument("unclosed left paren");
          operand.group = std::make_shared<Pipeline>(std::move(inner));
          break;
        }
      }
      out.operands.push_back(std::move(operand));
    }
    if (out.operands.empty()) return invalid_argument("missing value for command");
    return out;
  }

  std::vector<Piece> pieces_;
  std::size_t next_ = 0;
  std::vector<Token> else_tokens_;  // behind the last `else`
};

}  // namespace

Result<std::vector<Node>> parse_template(std::string_view text) {
  ASSIGN_OR_RETURN(std::vector<Piece> pieces, pieces_of(text));
  return Parser(std::move(pieces)).all();
}

}  // namespace nacelle::control::go_template
