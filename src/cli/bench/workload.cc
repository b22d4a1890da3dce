#include "cli/bench/workload.h"

#include <algorithm>
#include <random>

namespace nacelle::cli {
namespace {

constexpr const char* kWords =
    "about above after again all along also and another any around ask away back bank be because "
    "bed been "
    "before began best better big bird black blue boat body book both box boy bring brown build "
    "but by call came "
    "can car care carry change city clean close cold come could country cut dark day deep did "
    "different do does "
    "dog door down draw dry each early earth eat end enough even ever every eye face fact fall "
    "family far farm "
    "fast father feel feet few field find fine fire first fish five fly follow food foot for form "
    "found four from "
    "full game gave get girl give go gold good got great green ground grow had half hand hard has "
    "have he head "
    "hear heart help her here high him his hold home horse hot hour house how idea if in island "
    "into is it just "
    "keep kind king knew know land large last late laugh learn leave left less let letter life "
    "light like line "
    "list listen little live long look lost love low made make man many map mark may mean men "
    "might mile mind "
    "miss money moon more morning most mother mountain move much music must name near need never "
    "new next night "
    "no north not now number of off often old on once one only open or order other our out over "
    "own page paper "
    "part pass people picture place plan plant play point port possible press problem pull put "
    "question quick "
    "rain ran reach read ready real red rest right river road rock room round rule run said same "
    "saw say school "
    "sea second see seem self sentence set she ship short should show side simple sing six size "
    "sleep slow small "
    "snow so some song soon sound south stand star start state stay step still stop story street "
    "strong study "
    "such sun sure table take talk teach tell ten test than that the their them then there these "
    "they thing "
    "think this those though thought three through time to together told too took top toward town "
    "travel tree "
    "true try turn two under unit until up us use very voice wait walk want war warm was watch "
    "water way we week "
    "well went were west what wheel when where which while white who whole why will wind with wood "
    "word work "
    "world would write year yes yet you young your";

std::string sentence(const Vocabulary& words, std::uint32_t count, std::mt19937_64& random) {
  std::string text;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i > 0) text += ' ';
    text += words[random() % words.size()];
  }
  return text;
}

}  // namespace

Vocabulary english_words() {
  Vocabulary words;
  std::string word;
  for (const char* c = kWords;; ++c) {
    if (*c == ' ' || *c == '\0') {
      words.push_back(word);
      word.clear();
    } else {
      word += *c;
    }
    if (*c == '\0') return words;
  }
}

std::vector<std::string> make_shared_prefix(const SharedPrefixSpec& spec, const Vocabulary& words,
                                            std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::string> prompts;
  prompts.reserve(std::size_t{spec.groups} * spec.prompts_per_group);
  for (std::uint32_t group = 0; group < spec.groups; ++group) {
    const std::string prefix = sentence(words, spec.system_tokens, random);
    for (std::uint32_t i = 0; i < spec.prompts_per_group; ++i) {
      prompts.push_back(prefix + ' ' + sentence(words, spec.question_tokens, random));
    }
  }
  // Fisher-Yates by hand: std::shuffle's use of the generator differs between libraries.
  for (std::size_t i = prompts.size(); i > 1; --i) std::swap(prompts[i - 1], prompts[random() % i]);
  return prompts;
}

std::vector<std::string> make_random(const RandomSpec& spec, const Vocabulary& words,
                                     std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::string> prompts(spec.prompts);
  for (std::string& prompt : prompts) prompt = sentence(words, spec.input_tokens, random);
  return prompts;
}

}  // namespace nacelle::cli
