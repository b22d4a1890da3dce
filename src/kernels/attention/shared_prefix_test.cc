#include "kernels/attention/shared_prefix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <tuple>

namespace nacelle::kernels {
namespace {

using Tables = std::vector<std::vector<std::uint32_t>>;

// (first part, last part, members)
using Node = std::tuple<std::uint32_t, std::uint32_t, std::set<std::uint32_t>>;

std::set<Node> find(SharedPrefixes& prefixes, const Tables& tables,
                    const std::vector<std::uint32_t>& num_parts, std::size_t part_tokens,
                    std::size_t block_size) {
  std::vector<PrefixCandidate> candidates;
  for (std::uint32_t i = 0; i < tables.size(); ++i) {
    candidates.push_back({i, num_parts[i], tables[i].data()});
  }
  prefixes.find(candidates, part_tokens, block_size);
  std::set<Node> nodes;
  for (const SharedParts& node : prefixes.nodes()) {
    std::set<std::uint32_t> members;
    for (const PrefixCandidate& member :
         prefixes.members().subspan(node.first_member, node.num_members)) {
      members.insert(member.sequence);
    }
    EXPECT_EQ(members.size(), node.num_members);
    EXPECT_TRUE(nodes.emplace(node.first_part, node.last_part, members).second);
  }
  return nodes;
}

// Part by part: which sequences have the same blocks up to the end of it?
std::set<Node> slow_model(const Tables& tables, const std::vector<std::uint32_t>& num_parts,
                          std::size_t part_tokens, std::size_t block_size) {
  const auto same = [&](std::size_t a, std::size_t b, std::uint32_t parts) {
    if (parts > num_parts[a] || parts > num_parts[b]) return false;
    for (std::size_t at = 0; at < parts * part_tokens; ++at) {
      if (tables[a][at / block_size] != tables[b][at / block_size]) return false;
    }
    return true;
  };
  std::set<Node> nodes;
  for (std::uint32_t i = 0; i < tables.size(); ++i) {
    std::set<std::uint32_t> before;
    std::uint32_t first = 0;
    for (std::uint32_t part = 0; part <= num_parts[i]; ++part) {
      std::set<std::uint32_t> members;
      for (std::uint32_t j = 0; j < tables.size() && part < num_parts[i]; ++j) {
        if (same(i, j, part + 1)) members.insert(j);
      }
      if (members == before) continue;
      if (before.size() > 1) nodes.emplace(first, part, before);
      before = members;
      first = part;
    }
  }
  return nodes;
}

TEST(SharedPrefixes, TreeOfTheHeader) {
  SharedPrefixes prefixes;
  const Tables tables = {{1, 2, 3, 4}, {1, 2, 3, 5}, {1, 2, 6}};
  EXPECT_THAT(find(prefixes, tables, {4, 4, 3}, 16, 16),
              ::testing::UnorderedElementsAre(Node{0, 2, {0, 1, 2}}, Node{2, 3, {0, 1}}));
}

TEST(SharedPrefixes, OnlyWholePartsThatEverySequenceOffers) {
  SharedPrefixes prefixes;
  // Parts of 4 blocks: 7 equal blocks are one part; the second sequence offers none.
  const Tables tables = {
      {1, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 3, 4, 5, 6, 7, 9}};
  EXPECT_EQ(find(prefixes, tables, {2, 0, 2}, 64, 16), (std::set<Node>{{0, 1, {0, 2}}}));
  // Blocks of two parts.
  EXPECT_EQ(find(prefixes, {{5, 6}, {5, 7}}, {4, 3}, 64, 128), (std::set<Node>{{0, 2, {0, 1}}}));
  EXPECT_TRUE(find(prefixes, {{5, 6}, {6, 5}}, {4, 4}, 64, 128).empty());
  EXPECT_TRUE(find(prefixes, {}, {}, 64, 128).empty());
}

TEST(SharedPrefixes, AgreesWithASlowModel) {
  SharedPrefixes prefixes;  // reused, as an engine does
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const std::size_t part_tokens = 64;
    const std::size_t block_sizes[] = {16, 64, 24, 160, 1};
    const std::size_t block_size = block_sizes[random() % 5];
    const std::size_t blocks = (5 * part_tokens + block_size - 1) / block_size;
    Tables tables;
    std::vector<std::uint32_t> num_parts;
    const std::size_t count = random() % 9;
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<std::uint32_t> table;
      // Half of the sequences fork off an earlier one, some of them not at all.
      if (!tables.empty() && random() % 4 != 0) table = tables[random() % tables.size()];
      table.resize(std::min<std::size_t>(table.size(), random() % (blocks + 1)));
      while (table.size() < blocks) table.push_back(static_cast<std::uint32_t>(random()) % 1000);
      tables.push_back(table);
      num_parts.push_back(static_cast<std::uint32_t>(random()) % 6);
    }
    ASSERT_EQ(find(prefixes, tables, num_parts, part_tokens, block_size),
              slow_model(tables, num_parts, part_tokens, block_size))
        << "round " << round;
  }
}

}  // namespace
}  // namespace nacelle::kernels
