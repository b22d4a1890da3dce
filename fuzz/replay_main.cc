// replay_main.cc: runs a fuzz target over a corpus folder and over seeded mutations of it.
//
// Usage: <name>_fuzz CORPUS_DIR [--mutations=N] [--seed=S]   or   <name>_fuzz FILE
// A crash prints nothing by itself: run the printed seed again, or a sanitizer build.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

// A few byte edits, a cut, a splice with another input, or a repeated part.
Bytes mutate(const std::vector<Bytes>& corpus, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
  Bytes input = corpus[below(corpus.size())];
  for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
    switch (below(6)) {
      case 0:
        if (!input.empty()) input[below(input.size())] = static_cast<std::uint8_t>(random());
        break;
      case 1:
        if (!input.empty()) input.resize(below(input.size()));
        break;
      case 2: {
        const std::size_t at = below(input.size() + 1);
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(at),
                     static_cast<std::uint8_t>(random()));
        break;
      }
      case 3: {
        const Bytes& other = corpus[below(corpus.size())];
        const std::size_t from = below(other.size() + 1);
        const std::size_t at = below(input.size() + 1);
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(at),
                     other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
        break;
      }
      case 4:
        if (!input.empty())
          input.erase(input.begin() + static_cast<std::ptrdiff_t>(below(input.size())));
        break;
      default:
        if (!input.empty()) input[below(input.size())] ^= static_cast<std::uint8_t>(1u << below(8));
    }
    if (input.size() > (1u << 16)) input.resize(1u << 16);
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  std::filesystem::path corpus_path;
  std::size_t mutations = 20000;
  std::uint64_t seed = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    if (arg.starts_with("--mutations="))
      mutations = std::strtoull(argv[i] + 12, nullptr, 10);
    else if (arg.starts_with("--seed="))
      seed = std::strtoull(argv[i] + 7, nullptr, 10);
    else
      corpus_path = arg;
  }
  std::vector<Bytes> corpus;
  if (std::filesystem::is_directory(corpus_path)) {
    for (const auto& entry : std::filesystem::directory_iterator(corpus_path)) {
      corpus.push_back(read(entry.path()));
    }
  } else if (std::filesystem::exists(corpus_path)) {
    corpus.push_back(read(corpus_path));
    mutations = 0;
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "no corpus at '%s'\n", corpus_path.c_str());
    return 2;
  }
  for (const Bytes& input : corpus) LLVMFuzzerTestOneInput(input.data(), input.size());
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < mutations; ++i) {
    const Bytes input = mutate(corpus, random);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%zu corpus inputs and %zu mutations (seed %llu): no crash\n", corpus.size(),
              mutations, static_cast<unsigned long long>(seed));
  return 0;
}
